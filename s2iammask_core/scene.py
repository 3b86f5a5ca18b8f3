"""A drawn clip to measure on and to check networks with: textured discs that move over a textured ground."""

import math

import numpy as np

from s2iammask_core.boxes import Box
from s2iammask_core.geometry import HostFrame

RADIUS = 0.07  # of a disc, in frame heights
SWING = 0.03  # how far a disc moves to each side, in frame heights
PERIOD = 24  # frames


def places(count: int, height: int, width: int, step: int) -> list[tuple[float, float]]:
    """Centres of the discs in a frame, on a grid that fills it; pixels."""
    columns = math.ceil(math.sqrt(count * width / height))
    rows = math.ceil(count / columns)
    turn = 2 * math.pi * step / PERIOD
    return [
        (
            (k % columns + 0.5) * width / columns + SWING * height * math.sin(turn + k),
            (k // columns + 0.5) * height / rows + SWING * height * math.cos(turn + 2 * k),
        )
        for k in range(count)
    ]


def boxes(count: int, height: int, width: int, step: int) -> list[Box]:
    """The boxes around the discs."""
    side = 2 * RADIUS * height
    return [Box.from_center(x, y, side, side) for x, y in places(count, height, width, step)]


def frame(count: int, height: int, width: int, step: int) -> HostFrame:
    """The frame (H, W, 3) at a step; steps a PERIOD apart are alike."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    ground = 110 + 30 * np.sin(x / 17) + 25 * np.cos(y / 23 + x / 31)
    picture = np.stack([ground, 0.9 * ground, 220 - ground], axis=2)
    for k, (cx, cy) in enumerate(places(count, height, width, step)):
        inside = (x - cx) ** 2 + (y - cy) ** 2 < (RADIUS * height) ** 2
        shade = 200 + 40 * np.sin((x - cx) / 3 + k)
        picture[inside] = np.stack([shade, 250 - shade, np.full_like(shade, 40 + 20 * (k % 8))], axis=2)[
            inside
        ]
    return picture.clip(0, 255).astype(np.uint8)
