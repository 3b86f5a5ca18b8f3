"""Where the tracks of a clip go: a video with them drawn in, label pictures, and a table of boxes."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from s2iammask_core.errors import OutputError
from s2iammask_core.files.labels import is_own, write_labels
from s2iammask_core.files.outputs import PART, growing_file, growing_folder
from s2iammask_core.files.video_writer import video_writer
from s2iammask_core.geometry import HostFrame
from s2iammask_core.overlay import draw_tracks, id_image
from s2iammask_core.tracking.track import Track

COLUMNS = [
    "frame", "id", "state", "confidence", "score", "agreement", "fit",
    "x", "y", "width", "height", "cx", "cy", "rotated_width", "rotated_height", "theta",
]  # fmt: skip


class Sink(Protocol):
    """Takes each frame of a clip with its number and its tracks."""

    def __call__(self, number: int, frame: HostFrame, tracks: Sequence[Track]) -> None: ...


@contextmanager
def overlay_sink(path: Path, rate: float) -> Iterator[Sink]:
    """A video; in the place of a frame that could not be decoded the one before it stays."""
    with video_writer(path, rate) as writer:
        shown: list[HostFrame] = []  # the last picture

        def write(number: int, frame: HostFrame, tracks: Sequence[Track]) -> None:
            picture = draw_tracks(frame, tracks)
            for _ in range(number - writer.count):
                writer.write(shown[0] if shown else picture)
            writer.write(picture)
            shown[:] = [picture]

        yield write


@contextmanager
def mask_sink(folder: Path) -> Iterator[Sink]:
    """Label pictures named after the frames, of ids; a first frame with nothing but boxes has none."""
    check_own(folder)
    with growing_folder(folder) as part:

        def write(number: int, frame: HostFrame, tracks: Sequence[Track]) -> None:
            if number > 0 or any(track.mask.area for track in tracks):
                write_labels(part / f"{number:06d}.png", id_image(tracks, (frame.shape[0], frame.shape[1])))

        yield write


def check_own(folder: Path) -> None:
    """OutputError for a folder with anything but masks of an earlier run, whose place the new ones take."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name == PART:  # of a run that was killed
            continue
        if not is_own(path):
            raise OutputError(f"{folder} holds other files, such as {path.name}; choose an empty folder")


@contextmanager
def box_sink(path: Path) -> Iterator[Sink]:
    """A table with a row for each frame and target."""
    with growing_file(path) as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        yield lambda number, _, tracks: table.writerows(_row(number, track) for track in tracks)


def _row(number: int, track: Track) -> list[object]:
    rotated = track.rotated_box
    figures = [
        *(track.confidence, track.score, track.agreement, track.fit, *track.box.xywh),
        *(rotated.cx, rotated.cy, rotated.width, rotated.height, rotated.theta),
    ]
    return [number, track.id, track.state.value, *(f"{value:.4f}" for value in figures)]
