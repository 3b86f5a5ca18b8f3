"""Where people should look: frames in which an object was uncertain or lost, the worst as pictures."""

import html
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import nlargest
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np

from s2iammask_core.batch.formats.each import Recording
from s2iammask_core.batch.formats.places import Places
from s2iammask_core.batch.formats.whole import Table, Whole
from s2iammask_core.batch.view import Seen, View
from s2iammask_core.files.outputs import growing_file, growing_folder
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.geometry import HostFrame
from s2iammask_core.overlay import draw_tracks

COLUMNS = (
    *("recording", "topic", "frame", "stamp", "by", "id", "label", "state", "confidence"),
    *("x", "y", "width", "height", "corrected"),
)
OF_A_RECORDING, ON_THE_PAGE = 8, 200  # worst moments that are shown
WIDTH = 480  # pixels of a picture
QUALITY = 85  # of its JPEG
STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1280px; margin: 2rem auto; padding: 0 1rem; }
.moments { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 1rem; }
figure { margin: 0; } img { width: 100%; display: block; } figcaption { font-size: 13px; }
code { background: #8882; padding: 0 .3em; }
""".strip()


@contextmanager
def review(places: Places, _: Mapping[str, int]) -> Iterator[Whole]:
    """A row for each frame and object that somebody should look at; `corrected` is for the right box."""
    with growing_file(places.review) as file:
        yield Table(file, COLUMNS, _row, lambda seen: not seen.is_sure)


def _row(view: View, seen: Seen) -> list[object]:
    row, track = seen.row, seen.row.track
    by = "stamp" if view.spans[0].start.stamped else "frame"
    place = [view.job.source, view.job.topic, row.frame, "" if row.stamp is None else row.stamp, by]
    figures = (f"{value:.4f}" for value in (track.confidence, *track.box.xywh))
    return [*place, seen.id, seen.label, track.state.value, *figures, ""]


class Worst:
    """Of each stretch of doubt in a recording the least sure frame; of those the worst."""

    def __init__(self) -> None:
        self._stretches: dict[int, tuple[int, Seen]] = {}  # last frame and least sure one, by object
        self._ended: list[Seen] = []

    def add(self, frame: Sequence[Seen]) -> None:
        """The objects of the next frame."""
        for seen in frame:
            if not seen.is_sure:
                self._doubt(seen)

    def _doubt(self, seen: Seen) -> None:
        last, least = self._stretches.get(seen.id, (-2, seen))
        if seen.row.frame == last + 1:
            least = min(least, seen, key=_confidence)
        elif last >= 0:
            self._ended.append(least)
            least = seen
        self._stretches[seen.id] = seen.row.frame, least

    def found(self, most: int = OF_A_RECORDING) -> list[Seen]:
        """So many, the worst first."""
        stretches = [*self._ended, *(least for _, least in self._stretches.values())]
        return nlargest(most, stretches, key=lambda seen: (-_confidence(seen), -seen.row.frame, -seen.id))


def _confidence(seen: Seen) -> float:
    return seen.row.track.confidence


def write_moments(recording: Recording, places: Places) -> None:
    """Pictures of a recording's worst moments."""
    worst = Worst()
    for frame in recording.view.frames():
        worst.add(frame)
    shown = worst.found()
    if not shown:
        shutil.rmtree(places.moments(recording.name), ignore_errors=True)
        return
    with growing_folder(places.moments(recording.name)) as folder:
        frames = {seen.row.frame for seen in shown}
        for number, picture in islice(_pictures(recording, frames), len(frames)):
            for seen in shown:
                if seen.row.frame == number:
                    write_picture(folder / picture_name(seen), picture, QUALITY)


def picture_name(seen: Seen) -> str:
    return f"{seen.row.frame:06d}_{seen.id}.jpg"


def _pictures(recording: Recording, frames: set[int]) -> Iterator[tuple[int, HostFrame]]:
    """These frames, drawn."""
    drawn = {frame[0].row.frame: frame for frame in recording.view.frames() if frame[0].row.frame in frames}
    for moment in recording.source.moments(min(frames)):
        if moment.number in frames:
            names = {seen.row.track.id: f"#{seen.id} {seen.label}" for seen in drawn[moment.number]}
            tracks = [seen.row.whole for seen in drawn[moment.number]]
            yield moment.number, _small(draw_tracks(moment.frame, tracks, names))


def _small(picture: HostFrame) -> HostFrame:
    scale = WIDTH / picture.shape[1]
    if scale >= 1:
        return picture
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


@dataclass(frozen=True, slots=True)
class Shown:
    """A moment on the page."""

    confidence: float
    picture: str  # path from the page
    source: str
    caption: str


@contextmanager
def page(places: Places, _: Mapping[str, int]) -> Iterator[Whole]:
    """The worst moments of all recordings, as pictures with links."""
    head = f"<meta charset='utf-8'><title>Review</title><style>{STYLE}</style>"
    with growing_file(places.page) as file:
        file.write(f"<!doctype html><html lang='en'><head>{head}</head><body><h1>Worst moments</h1>\n")
        file.write(
            "<p>Moments in which an object was uncertain or lost, the least sure first; all "
            "frames are in <a href='review.csv'>review.csv</a>. Write the right box into its column "
            "<code>corrected</code> (<code>x,y,width,height</code>, or <code>gone</code>) and run again with "
            "<code>--from-review review.csv</code>.</p><div class='moments'>\n"
        )
        writer = _Page()
        yield writer
        file.writelines(_figure(each) for each in writer.shown)
        file.write("</div></body></html>\n")


class _Page:
    def __init__(self) -> None:
        self.shown: list[Shown] = []

    def begin(self, view: View) -> None:
        self._view, self._worst = view, Worst()

    def add(self, frame: Sequence[Seen]) -> None:
        self._worst.add(frame)

    def end(self) -> None:
        found = (_shown(self._view, seen) for seen in self._worst.found())
        self.shown = nlargest(ON_THE_PAGE, [*self.shown, *found], key=lambda each: -each.confidence)


def _shown(view: View, seen: Seen) -> Shown:
    row, track = seen.row, seen.row.track
    state = f"{track.state.value} {track.confidence:.2f}"
    caption = f"{view.job.name}, frame {row.frame}: #{seen.id} {seen.label}, {state}"
    picture = quote(f"review/{view.job.name}/{picture_name(seen)}")
    return Shown(track.confidence, picture, view.job.source, caption)


def _figure(each: Shown) -> str:
    caption = html.escape(each.caption, quote=True)
    source = html.escape(each.source if "://" in each.source else Path(each.source).as_uri(), quote=True)
    return (
        f"<figure><a href='{each.picture}'><img loading='lazy' alt='{caption}' src='{each.picture}'></a>"
        f"<figcaption>{caption} &middot; <a href='{source}'>recording</a></figcaption></figure>\n"
    )
