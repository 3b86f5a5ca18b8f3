from dataclasses import dataclass
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError, FrameError, ResultsError, TargetError, UnavailableError
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.factory import IdentityFactory
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.results.record import read_record
from s2iammask_core.evaluation.runner import Run, run, total_speed
from s2iammask_core.evaluation.speed import Speed
from s2iammask_core.spread import Workers


@dataclass
class DyingTracker(IdentityTracker):
    """Dies at the n-th frame that it tracks."""

    frames_left: int

    def __post_init__(self):
        super().__init__()

    def track(self, frame):
        if self.frames_left == 0:
            raise KeyboardInterrupt
        self.frames_left -= 1
        return super().track(frame)


class FactoryOf:
    """Gives a ready tracker."""

    def __init__(self, tracker, **settings):
        self.tracker = tracker
        self.settings = settings

    def make(self):
        return self.tracker

    def describe(self):
        return {"tracker": "identity", **self.settings}


def quiet(name, frames):
    """Progress that nobody looks at."""


def vot(files, root, names=("a", "b"), frames=6):
    for name in names:
        files.frames(root / name, frames)
        files.rows(root / name / "groundtruth.txt", [(10, 10, 10, 10)] * frames)
    return open_benchmark(Choice("VOT2018", root))


def davis(files, root, names=("a", "b", "c")):
    return open_benchmark(Choice("DAVIS2017", files.davis(root, list(names), frames=4)))


def test_results_of_a_sequence_that_was_stopped_are_not_there(tmp_path, files):
    benchmark, results = vot(files, tmp_path / "data"), tmp_path / "results"

    with pytest.raises(KeyboardInterrupt):
        run(Run(benchmark, FactoryOf(DyingTracker(7)), results), Workers(), quiet)

    assert len((results / "baseline/a/a_001.txt").read_text().splitlines()) == 6
    assert not list((results / "baseline/b").iterdir())


def test_a_run_that_was_killed_goes_on_where_it_stopped(tmp_path, files):
    benchmark, results = vot(files, tmp_path / "data"), tmp_path / "results"
    with pytest.raises(KeyboardInterrupt):
        run(Run(benchmark, FactoryOf(DyingTracker(7)), results), Workers(), quiet)
    done = (results / "baseline/a/a_001.txt").stat().st_mtime_ns
    seen = []

    run(
        Run(benchmark, IdentityFactory(), results),
        Workers(),
        lambda name, frames: seen.append((name, frames)),
    )

    assert (results / "baseline/a/a_001.txt").stat().st_mtime_ns == done
    assert seen == [("a", 6), ("b", 6)]
    assert benchmark.score(results).figures["accuracy"] != 0


def test_masks_of_a_killed_run_are_made_anew(tmp_path, files):
    benchmark, results = davis(files, tmp_path / "data"), tmp_path / "results"
    with pytest.raises(KeyboardInterrupt):
        run(Run(benchmark, FactoryOf(DyingTracker(6)), results), Workers(), quiet)
    (results / "b.part").mkdir()  # as a process leaves it that is killed
    (results / "b.part/00000.png").touch()

    run(Run(benchmark, IdentityFactory(), results), Workers(), quiet)

    assert sorted(path.name for path in results.glob("[abc]*")) == ["a", "b", "c"]
    assert benchmark.score(results).figures["j_mean"] == 1


def test_an_error_names_its_sequence(tmp_path, files):
    benchmark = vot(files, tmp_path / "data", names=("a", "b", "c"))
    (tmp_path / "data/b/00000004.jpg").write_bytes(b"no picture")

    with pytest.raises(DatasetError, match="sequence b: cannot read the picture"):
        run(Run(benchmark, IdentityFactory(), tmp_path / "results"), Workers(), quiet)


def test_a_target_that_cannot_be_tracked_is_named(tmp_path, files):
    class Refusing(IdentityTracker):
        def start(self, frame, targets, ids=None):
            raise TargetError("the box is empty")

    with pytest.raises(TargetError, match="sequence a: the box is empty"):
        run(Run(vot(files, tmp_path / "data"), FactoryOf(Refusing()), tmp_path / "r"), Workers(), quiet)


def test_what_nobody_foresaw_names_its_sequence_too(tmp_path, files):
    class Broken(IdentityTracker):
        def track(self, frame):
            raise ZeroDivisionError("by zero")

    with pytest.raises(UnavailableError, match="sequence a: by zero"):
        run(Run(vot(files, tmp_path / "data"), FactoryOf(Broken()), tmp_path / "r"), Workers(), quiet)


def test_results_of_two_settings_do_not_mix(tmp_path, files):
    benchmark, results = vot(files, tmp_path / "data"), tmp_path / "results"
    run(Run(benchmark, FactoryOf(IdentityTracker(), penalty_k=0.1), results), Workers(), quiet)

    with pytest.raises(ResultsError, match=r"penalty_k: 0\.1, now 0\.2"):
        run(Run(benchmark, FactoryOf(IdentityTracker(), penalty_k=0.2), results), Workers(), quiet)


@pytest.mark.parametrize("changed", ["truth", "frames"])
def test_results_of_other_data_do_not_mix(tmp_path, files, changed):
    results = tmp_path / "results"
    run(Run(vot(files, tmp_path / "data"), FactoryOf(IdentityTracker()), results), Workers(), quiet)
    if changed == "truth":
        files.rows(tmp_path / "data/b/groundtruth.txt", [(11, 10, 10, 10)] * 6)
    else:
        picture = next((tmp_path / "data/b").rglob("*3.jpg"))
        Image.open(picture).crop((0, 0, 20, 20)).save(picture)
    benchmark = open_benchmark(Choice("VOT2018", tmp_path / "data"))
    kept = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}

    with pytest.raises(ResultsError, match=r"sequence b .*other frames or another truth.*--fresh"):
        run(Run(benchmark, FactoryOf(IdentityTracker()), results), Workers(), quiet)

    assert {path: path.read_bytes() for path in results.rglob("*") if path.is_file()} == kept


def test_a_run_that_came_to_nothing_may_be_tried_again_with_other_settings(tmp_path, files):
    class Refusing(IdentityTracker):
        def start(self, frame, targets, ids=None):
            raise TargetError("the box is empty")

    benchmark, results = vot(files, tmp_path / "data"), tmp_path / "results"
    with pytest.raises(TargetError):
        run(Run(benchmark, FactoryOf(Refusing(), penalty_k=0.1), results), Workers(), quiet)

    run(Run(benchmark, FactoryOf(IdentityTracker(), penalty_k=0.2), results), Workers(), quiet)

    assert read_record(results)["penalty_k"] == 0.2


def test_speed_counts_tracking_and_decoding_apart(tmp_path, files):
    benchmark, results = vot(files, tmp_path / "data"), tmp_path / "results"

    run(Run(benchmark, IdentityFactory(), results), Workers(), quiet)

    speed = total_speed(benchmark, results)
    assert speed.frames == 12
    assert speed.fps > speed.fps_with_decoding > 0


def test_frames_per_second_leave_decoding_out():
    speed = Speed(frames=100, tracking_seconds=4, decoding_seconds=1)

    assert (speed.fps, speed.fps_with_decoding) == (25, 20)


def test_youtube_results_are_zipped_for_the_server(tmp_path, files):
    benchmark = open_benchmark(Choice("YTVOS2019", files.youtube(tmp_path / "valid")))

    run(Run(benchmark, IdentityFactory(), tmp_path / "results"), Workers(), quiet)

    with ZipFile(tmp_path / "results/submission.zip") as archive:
        assert archive.namelist() == [f"Annotations/v/{index:05d}.png" for index in range(4)]
        with archive.open("Annotations/v/00002.png") as file:
            image = Image.open(file)
            assert image.mode == "P"
            assert np.unique(np.array(image)).tolist() == [0, 1, 2]
            assert image.getpalette()[3:9] == [128, 0, 0, 0, 128, 0]


def test_a_folder_of_other_files_is_not_filled_with_results(tmp_path, files):
    benchmark = davis(files, tmp_path / "data")
    frames = tmp_path / "data/JPEGImages/480p"
    before = sorted(frames.rglob("*"))

    with pytest.raises(ResultsError, match=r"480p holds other files, such as .*jpg; choose an empty folder"):
        run(Run(benchmark, FactoryOf(IdentityTracker()), frames), Workers(), quiet)

    assert sorted(frames.rglob("*")) == before


def test_a_tracker_that_never_moves_notices_frames_of_another_size():
    tracker = IdentityTracker()
    tracker.start(np.zeros((30, 40, 3), np.uint8), [Box(5, 5, 15, 15)])

    with pytest.raises(FrameError, match="tracking began with"):
        tracker.track(np.zeros((20, 20, 3), np.uint8))
