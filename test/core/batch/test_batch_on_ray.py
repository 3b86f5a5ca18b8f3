"""Many recordings on Ray: whatever dies, each ends once."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pycocotools")
pytest.importorskip("fsspec")

from s2iammask_core.batch.formats.places import Places
from s2iammask_core.batch.work import TrackWork
from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import UnavailableError
from s2iammask_core.files.pictures import write_picture
from s2iammask_core.spread import Workers
from s2iammask_core.tracking.track import MaskRegion, Track, TrackState

pytestmark = pytest.mark.usefixtures("travels")

LENGTH = 2  # frames of a clip
KILLED_ONCE, POISON, SLOW = 251, 252, 253  # colours of clips with a story


class StillTracker:
    """Finds everything where it began; the colour of a frame may kill it."""

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
        colour = int(frame[0, 0, 0])
        if colour == POISON or (colour == KILLED_ONCE and self.is_first()):
            os.kill(os.getpid(), signal.SIGKILL)
        if colour == SLOW:
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


def test_labels_do_not_depend_on_the_number_of_workers(cluster, batch, clips, still, contents):
    jobs, formats = clips(range(5)), ("coco", "boxes", "davis", "mots")

    outs = [batch(jobs, formats, f"w{n}", recipe=still, workers=Workers(n)).out for n in (0, 1, 2)]

    files = [contents(out) for out in outs]
    assert files[0] == files[1] == files[2]
    assert sum(name.endswith(".png") for name in files[0]) == 5 * LENGTH


def test_each_of_many_clips_ends_once_whatever_dies(cluster, batch, clips, still, coco):
    node = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    colours = [number % 200 for number in range(200)]
    colours[20], colours[60] = KILLED_ONCE, POISON
    lose = Losing(cluster, node)

    done = batch(clips(colours), recipe=still, workers=Workers(3, retries=1), ended=lose)

    assert lose.is_done
    assert done.counts == {"done": 199, "failed": 1}
    assert list(done.failures) == ["clip060"]
    assert "its process died" in done.failures["clip060"]
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
