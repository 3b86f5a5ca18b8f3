"""Recordings drawn by hand, and a tracker that finds things by their colour."""

import csv
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("pycocotools")
pytest.importorskip("fsspec")

from s2iammask_core.batch.manifest import opened
from s2iammask_core.batch.reading import read_rows
from s2iammask_core.batch.run import Request, Watch, run
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.tracking.tracker import Tracker

FRAMES = 10
COLUMNS = ("recording", "frame", "id", "label", "x", "y", "width", "height")


@dataclass
class ColourRecipe:
    """Makes trackers that find things by their colour."""

    network: Any
    settings: dict = field(default_factory=dict)

    def make(self):
        return Tracker.of(self.network)

    def describe(self):
        return {"tracker": "colours", **self.settings}


@pytest.fixture
def recipe(network):
    return ColourRecipe(network)


@pytest.fixture
def frames(scene, colours):
    """Draws a folder of frames: a red thing goes right, a green one left; red is gone from a frame on."""

    def draw(folder, count=FRAMES, red_until=1000, start=60):
        folder.mkdir(parents=True)
        red, green, _ = colours
        for number in range(count):
            things = [(start + 6 * number, 80, 60, 40, red)] if number < red_until else []
            picture = scene(*things, (220 - 4 * number, 150, 40, 40, green))
            write_picture(folder / f"{number:05d}.png", picture)
        return folder

    return draw


RED_BOX, GREEN_BOX = (60, 80, 60, 40), (220, 150, 40, 40)


@pytest.fixture
def table(tmp_path):
    """Writes a csv table of starts: (recording, frame, id, label, x, y, width, height)."""

    def write(*rows, name="jobs.csv", columns=COLUMNS):
        path = tmp_path / name
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
        return path

    return write


@pytest.fixture
def batch(recipe, tmp_path):
    """Runs a table; the states of all recordings, and how many frames were tracked."""

    def start(jobs, formats=("coco", "boxes"), out="labels", **options):
        ends, watching = [], options.pop("ended", lambda job, end: None)

        def ended(job, end):
            ends.append(end)
            watching(job, end)

        request = Request(options.pop("recipe", recipe), tmp_path / out, formats, **options)
        with opened(request.out) as manifest:
            counts = run(request, manifest, read_rows(jobs), Watch(ended=ended))
            failures = dict(manifest.failures())
        return SimpleNamespace(
            counts={state.value: count for state, count in counts.items() if count},
            failures={source.rsplit("/", 1)[-1]: reason for source, reason in failures.items()},
            frames=sum(end.frames for end in ends),
            out=request.out,
        )

    return start


@pytest.fixture
def coco():
    """Reads what was written, with the boxes by video, frame and track."""

    def read(out):
        content = json.loads((out / "coco.json").read_text())
        images = {image["id"]: image for image in content["images"]}
        videos = {video["id"]: video["name"] for video in content["videos"]}
        return {
            (videos[each["video_id"]], images[each["image_id"]]["frame_id"], each["track_id"]): each["bbox"]
            for each in content["annotations"]
        }

    return read


@pytest.fixture
def contents():
    """The files of a folder of outputs that may be compared: all but the database."""

    def read(out):
        files = (path for path in out.rglob("*") if path.is_file() and "manifest" not in path.name)
        return {str(path.relative_to(out)): path.read_bytes() for path in files}

    return read
