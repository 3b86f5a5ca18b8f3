"""One picture file with many frames: TIFF with several pages, APNG, animated GIF and WebP."""

import os
from collections.abc import Iterator
from pathlib import Path

from s2iammask_core.files.pictures import opened, pages, upright
from s2iammask_core.files.reading import USUAL_RATE, Head, Numbered, Tally

GIF_END = b";"
TAIL = 4096  # bytes in which it is looked for


def stack_head(path: Path) -> Head:
    """Of a picture with one frame or more."""
    with opened(path) as image:
        image.load()  # of a WebP the duration is known only then
        milliseconds = image.info.get("duration") or 1000 / USUAL_RATE
        return Head(1000 / milliseconds, pages(image))


def stack_frames(path: Path, limit: int | None = None) -> Iterator[Numbered]:
    """The first so many pages, or all; IncompleteError after the last one that can be read, if it is cut."""
    with opened(path) as image:
        tally = Tally(pages(image))
        for number in range(tally.promised or 0)[:limit]:
            try:
                image.seek(number)
                frame = upright(image, path)
            except Exception as error:  # Pillow raises whatever the broken byte leads to
                tally.reasons.append(str(error))
                break
            tally.read += 1
            yield Numbered(number, frame)
        tally.cut = image.format == "GIF" and (limit is None or tally.read < limit) and not _ends(path)
        tally.check(str(path), limit)


def _ends(path: Path) -> bool:
    """Whether a GIF has its end, which alone tells that there are no more frames; some add zeros."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, TAIL), os.SEEK_END)
        return file.read().rstrip(b"\0").endswith(GIF_END)
