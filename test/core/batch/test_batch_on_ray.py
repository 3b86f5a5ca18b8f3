"""Many recordings on Ray: whatever dies, each ends once."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("pycocotools")
pytest.importorskip("fsspec")

from s2iammask_core.batch.formats.places import Places
from s2iammask_core.batch.work import TrackWork
from s2iammask_core.boxes import RotatedBox
from s2iammask_core.clip import shots
from s2iammask_core.errors import UnavailableError
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.files.video_writer import video_writer
from s2iammask_core.spread import Workers
from s2iammask_core.tracking.track import MaskRegion, Track, TrackState

pytestmark = pytest.mark.usefixtures("travels")

LENGTH = 2  # frames of a clip
KILLED_ONCE, POISON, SLOW = 210, 225, 240  # grey levels of the upper left corner of clips with a story
NEAR = 4  # grey levels by which a video's compression changes them at most


class StillTracker:
    """Finds everything where it began; the corner of a frame may kill it."""

    def __init__(self, folder):
        self.folder = folder
        self.targets = {}

    @property
    def ids(self):
        return tuple(self.targets)

    config = None

    def sibling(self):
        return StillTracker(self.folder)

    def twin(self):
        twin = self.sibling()
        twin.targets = dict(self.targets)
        return twin

    def start(self, frame, targets, ids=None):
        self.targets |= zip(ids, targets, strict=True)

    def stop(self, ids=None):
        for id_ in ids:
            del self.targets[id_]

    def track(self, frame):
        if told(frame, POISON) or (told(frame, KILLED_ONCE) and self.is_first()):
            os.kill(os.getpid(), signal.SIGKILL)
        if told(frame, SLOW):
            os.open(self.folder / "gate", os.O_RDONLY)  # until somebody opens it to write
        return [self.found(id_, target) for id_, target in self.targets.items()]

    def is_first(self):
        try:
            (self.folder / "killed").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def found(self, id_, box):
        x, y, width, height = (int(side) for side in box.xywh)
        pixels = np.ones((height, width), np.bool_)
        mask = MaskRegion(x, y, pixels, pixels.astype(np.float32))
        return Track(id_, TrackState.TRACKING, 0.9, 0.9, 0.9, box, RotatedBox.from_box(box), mask)


def told(frame, story):
    return abs(int(frame[0, 0, 0]) - story) <= NEAR


@dataclass
class StillRecipe:
    folder: Path

    def make(self):
        return StillTracker(self.folder)

    def describe(self):
        return {"tracker": "still"}


@pytest.fixture
def still(tmp_path):
    return StillRecipe(tmp_path)


@pytest.fixture
def clips(tmp_path, table):
    """Draws clips of one colour each, and the table of their first boxes."""

    def draw(colours):
        for number, colour in enumerate(colours):
            (tmp_path / f"clip{number:03d}").mkdir()
            picture = np.full((24, 32, 3), colour, np.uint8)
            picture[1, 1] = number
            for frame in range(LENGTH):
                write_picture(tmp_path / f"clip{number:03d}/{frame}.png", picture)
        boxes = [(f"clip{number:03d}", 0, 1, "thing", 4, 5, 10, 8) for number in range(len(colours))]
        return table(*boxes)

    return draw


@pytest.fixture
def demo_clips(tmp_path, table):
    """Writes videos of the demo's scene, each another part of it, and the table of their first boxes."""

    def write(count, stories):
        scene, rows = list(shots(count + LENGTH)), []
        assert not any(told(scene[0].frame, story) for story in (KILLED_ONCE, POISON, SLOW))
        for number in range(count):
            part = [shot.frame.copy() for shot in scene[number : number + LENGTH]]
            if number in stories:
                part[0][:32, :32] = stories[number]
            with video_writer(tmp_path / f"clip{number:03d}.mp4", 25.0) as writer:
                for frame in part:
                    writer.write(frame)
            box = cv2.boundingRect(scene[number].mask.view(np.uint8))
            rows.append((f"clip{number:03d}.mp4", 0, 1, "cup", *box))
        return table(*rows)

    return write


def test_labels_do_not_depend_on_the_number_of_workers(cluster, batch, clips, still, contents):
    jobs, formats = clips(range(5)), ("coco", "boxes", "davis", "mots")

    outs = [batch(jobs, formats, f"w{n}", recipe=still, workers=Workers(n)).out for n in (0, 1, 2)]

    files = [contents(out) for out in outs]
    assert files[0] == files[1] == files[2]
    assert sum(name.endswith(".png") for name in files[0]) == 5 * LENGTH


def test_each_of_many_clips_ends_once_whatever_dies(cluster, batch, demo_clips, still, coco):
    node = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    kept = [pytest.importorskip("ray").put(bytes(16 * 2**20)) for _ in range(4)]  # the object store is full
    lose = Losing(cluster, node)
    jobs = demo_clips(200, {20: KILLED_ONCE, 60: POISON})

    done = batch(jobs, recipe=still, workers=Workers(3, retries=1), ended=lose)

    assert lose.is_done
    assert len(kept) == 4
    assert done.counts == {"done": 199, "failed": 1}
    assert list(done.failures) == ["clip060.mp4"]
    assert "its process died" in done.failures["clip060.mp4"]
    assert done.frames == 199 * LENGTH
    assert sorted(coco(done.out)) == [
        (f"clip{number:03d}", frame, 1) for number in range(200) if number != 60 for frame in range(LENGTH)
    ]


class Losing:
    """Takes a node away after some clips."""

    def __init__(self, cluster, node):
        self.cluster, self.node = cluster, node
        self.count = 0

    @property
    def is_done(self):
        return self.node is None

    def __call__(self, job, end):
        self.count += 1
        if self.count == 40:
            self.cluster.remove_node(self.node, allow_graceful=False)
            self.node = None


DRIVER = """
import importlib.util, sys
from pathlib import Path
from ray import cloudpickle
spec = importlib.util.spec_from_file_location("clips_of_a_test", {file!r})
test = importlib.util.module_from_spec(spec)
sys.modules["clips_of_a_test"] = test
spec.loader.exec_module(test)
cloudpickle.register_pickle_by_value(test)
from s2iammask_core.batch.manifest import opened
from s2iammask_core.batch.reading import read_rows
from s2iammask_core.batch.run import Request, Watch, run
from s2iammask_core.spread import Workers, session
workers = Workers(2, {address!r})
ended = lambda job, end: print(job.name, flush=True)
with opened(Path({out!r})) as manifest, session(workers):
    request = Request(test.StillRecipe(Path({folder!r})), Path({out!r}), workers=workers)
    run(request, manifest, read_rows(Path({jobs!r})), Watch(ended=ended))
"""


def test_a_driver_that_was_killed_goes_on(cluster, batch, clips, still, tmp_path, coco):
    os.mkfifo(tmp_path / "gate")
    jobs = clips([*range(6), SLOW])
    values = {"file": __file__, "address": cluster.address, "folder": str(tmp_path)}
    program = DRIVER.format(**values, out=str(tmp_path / "labels"), jobs=str(jobs))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as driver:
        ended = (line for line in driver.stdout if line.startswith("clip"))  # Ray says things in between
        first = [next(ended) for _ in range(5)]
        driver.kill()
    (tmp_path / "gate").unlink()
    (tmp_path / "gate").touch()

    done = batch(jobs, recipe=still)

    assert all(line.startswith("clip00") for line in first)
    assert done.counts == {"done": 7}
    assert done.frames <= 2 * LENGTH
    assert len(coco(done.out)) == 7 * LENGTH


def test_the_output_folder_must_be_seen_by_all_workers(tmp_path):
    work = TrackWork(StillRecipe(tmp_path), Places(tmp_path), "seal", (), {})

    with pytest.raises(UnavailableError, match="give a folder that all machines share"):
        work()
