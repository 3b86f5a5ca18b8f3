"""A clock in a picture, to be told by whoever sees it: a row of fields, one for each bit."""

import numpy as np
from numpy.typing import NDArray

BITS = 24  # of the time in milliseconds: it begins anew every 4.6 hours
SHARE = 64  # a field's side is that part of the picture's width
MILLISECOND = 1_000_000  # nanoseconds

# in a browser: ms between the time that the painted picture shows and now, for each picture that is painted
DELAYS = """([seconds, width, height, bits, share]) => new Promise((done) => {
  const stage = document.querySelector('.stage'), canvas = stage.querySelector('canvas'), delays = [];
  const context = canvas.getContext('2d'), cycle = 2 ** bits;
  const told = () => {
    const scale = Math.min(canvas.width / width, canvas.height / height), side = scale * width / share;
    const left = (canvas.width - scale * width) / 2, top = (canvas.height - scale * height) / 2;
    const x = Math.round(left), y = Math.round(top + side / 2);
    const row = context.getImageData(x, y, Math.ceil(bits * side), 1).data;
    let time = 0;
    for (let bit = 0; bit < bits; bit++) time = 2 * time + (row[4 * Math.floor((bit + 0.5) * side)] > 127);
    return time;
  };
  const seen = new MutationObserver(() => {
    const now = Date.now(); // before the canvas is read, which takes its time
    delays.push(((now - told()) % cycle + cycle) % cycle);
  });
  seen.observe(stage, { attributes: true, attributeFilter: ['data-painted'] });
  setTimeout(() => { seen.disconnect(); done(delays) }, 1000 * seconds);
})"""


def with_clock(frame: NDArray[np.uint8], stamp: int) -> NDArray[np.uint8]:
    """A copy of a frame (H, W, 3) with the time, nanoseconds, in its upper left corner."""
    time, side = stamp // MILLISECOND % 2**BITS, frame.shape[1] // SHARE
    row = np.array([time >> bit & 1 for bit in reversed(range(BITS))], np.uint8) * 255
    marked = frame.copy()
    marked[:side, : BITS * side] = row.repeat(side)[None, :, None]
    return marked
