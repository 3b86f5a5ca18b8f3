"""Scenes in which nothing moves: how they are made, and what is measured in them."""

import json

import cv2
import numpy as np
import pytest

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.cli import main
from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.quantiles import Quantile, quantiles
from s2iammask_core.evaluation.repeated import RunScore, repeated
from s2iammask_core.evaluation.sequences.starts import Start
from s2iammask_core.evaluation.sequences.stills import ShakenPicture, read_scenes
from s2iammask_core.evaluation.stills import still_runs
from s2iammask_core.tracking.track import MaskRegion, Track, TrackState
from s2iammask_core.tracking.tracker import Tracker


@pytest.fixture
def root(tmp_path, files, scene, colours):
    """Two pictures of 320 x 240, the first with two objects; around each object a ring of void."""
    red, green, _ = colours
    shown = {"one": [(40, 60, 60, 50, red), (200, 100, 50, 70, green)], "other": [(100, 80, 80, 60, red)]}
    index = {}
    (tmp_path / "images").mkdir()
    for name, objects in shown.items():
        cv2.imwrite(str(tmp_path / f"images/{name}.png"), scene(*objects)[..., ::-1])
        labels = np.zeros((240, 320), np.uint8)
        for value, (x, y, w, h, _) in enumerate(objects, start=1):
            labels[y - 4 : y + h + 4, x - 4 : x + w + 4] = 255
            labels[y : y + h, x : x + w] = value
        files.labels(tmp_path / f"masks/{name}.png", labels)
        boxes = {str(k): each[:4] for k, each in enumerate(objects, start=1)}
        index[name] = {
            "objects": {k: {"area": w * h, "box": [x, y, x + w, y + h]} for k, (x, y, w, h) in boxes.items()}
        }
    (tmp_path / "index.json").write_text(json.dumps(index))
    return tmp_path


def test_each_object_of_each_picture_is_a_scene(root):
    assert [each.name for each in read_scenes(root)] == ["one.1", "one.2", "other.1"]
    assert [each.name for each in read_scenes(root, ["other"])] == ["other.1"]


def test_a_picture_that_is_not_in_the_index_is_named(root):
    with pytest.raises(DatasetError, match="'othr'; did you mean other"):
        read_scenes(root, ["othr"])


def test_frames_and_truth_are_enlarged_alike(root):
    scene = read_scenes(root)[0]

    assert scene.frames.read(0).shape == (480, 640, 3)
    assert scene.frames.size(0) == (640, 480)
    rows, columns = np.nonzero(scene.labels() == 1)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (80, 120, 200, 220)


def shift_between(one, other):
    """By x and y in pixels, if it is small: what change goes with which slope."""
    down, right = np.gradient((one + other) / 2)
    return np.linalg.lstsq(np.column_stack([right.ravel(), down.ravel()]), (one - other).ravel(), rcond=None)[
        0
    ]


def test_the_camera_trembles_by_less_than_a_pixel_and_always_in_the_same_way(tmp_path):
    path = tmp_path / "texture.png"
    texture = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 1, (480, 640)), (0, 0), 2)
    cv2.imwrite(
        str(path), np.repeat((128 + 150 * texture).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    )
    frames = ShakenPicture(path, seed=5)
    first, *later = (frames.read(index)[..., 0].astype(np.float32) for index in range(12))

    shifts = np.array([shift_between(first, each) for each in later])

    assert np.abs(shifts).max() <= 0.55
    assert (np.ptp(shifts, axis=0) > 0.5).all()
    assert (ShakenPicture(path, seed=5).read(3) == frames.read(3)).all()
    assert (ShakenPicture(path, seed=6).read(3) != frames.read(3)).any()


def test_a_frame_has_noise_of_a_grey_level(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((480, 640, 3), 90, np.uint8))

    frame = ShakenPicture(tmp_path / "grey.png", seed=5).read(7)

    assert frame.mean() == pytest.approx(90, abs=0.02)
    assert frame.std() == pytest.approx(1.04, abs=0.02)  # with that of rounding


class Nervous(IdentityTracker):
    """Says confidences in turn; where it is below 0.3 the target is lost, and its answer empty."""

    def __init__(self, *confidences):
        super().__init__()
        self._confidences = confidences
        self._frames = 0
        self.given = []

    def start(self, frame, targets, ids=None):
        self.given += targets
        return super().start(frame, targets, ids)

    def track(self, frame):
        confidence = self._confidences[self._frames % len(self._confidences)]
        self._frames += 1
        (still,) = super().track(frame)
        if confidence >= 0.3:
            return [Track(1, TrackState.TRACKING, confidence, 1, 1, still.box, still.rotated_box, still.mask)]
        nothing = MaskRegion(0, 0, np.zeros((0, 0), bool), np.zeros((0, 0), np.float32))
        gone = Box(0, 0, 1, 1)
        return [Track(1, TrackState.LOST, confidence, 1, 1, gone, RotatedBox.from_box(gone), nothing)]


def measured(root, tracker, start_from="box", step=12):
    runs = [each.thinned(step) for each in still_runs(read_scenes(root, ["other"]), start_from)]
    (score,) = repeated(tracker, runs)
    return score


def test_the_figures_of_a_scene(root):
    score = measured(root, Nervous(0.9, 0.5, 0.1, 0.7))

    assert score.frames == 5
    assert score.figures == pytest.approx(
        {"lost": 1, "sure": 2 / 4, "spread": 0.8, "j_mean": 3 / 4, "first_j": 1, "box_iou": 3 / 4}
    )


def test_one_that_stays_is_never_lost(root):
    figures = measured(root, Nervous(0.6)).figures

    assert (figures["lost"], figures["sure"], figures["spread"]) == (0, 1, 0)


def test_what_lies_on_the_void_costs_nothing(root):
    class Generous(Nervous):
        def start(self, frame, targets, ids=None):
            wider = [Box(each.x1 - 6, each.y1 - 6, each.x2 + 6, each.y2 + 6) for each in targets]
            return super().start(frame, wider, ids)

    figures = measured(root, Generous(1.0)).figures

    assert (figures["j_mean"], figures["box_iou"]) == (1, 1)


def test_the_tracker_gets_the_box_or_the_whole_mask(root):
    box, mask = Nervous(1.0), Nervous(1.0)

    measured(root, box)
    measured(root, mask, "mask")

    assert box.given == [Box(200, 160, 360, 280)]
    assert (mask.given[0] == (read_scenes(root, ["other"])[0].labels() == 1)).all()


def test_a_tracker_holds_an_object_that_does_not_move(root, network):
    figures = measured(root, Tracker.of(network)).figures

    assert (figures["lost"], figures["sure"]) == (0, 1)
    assert figures["box_iou"] > 0.9
    assert figures["j_mean"] > 0.9


def test_a_mask_without_the_object_is_named(root, files):
    files.labels(root / "masks/other.png", np.zeros((240, 320), np.uint8))

    with pytest.raises(DatasetError, match=r"other\.png has no pixel of object 1"):
        measured(root, Nervous(1.0))


def test_a_mask_of_another_size_is_named(root, files):
    files.labels(root / "masks/other.png", np.ones((24, 32), np.uint8))

    with pytest.raises(DatasetError, match=r"other\.png is 32x24"):
        measured(root, Nervous(1.0))


def spreads(*values):
    return [RunScore(Start(f"s{k}", 0, "forward"), 60, {"spread": each}) for k, each in enumerate(values)]


def test_a_quantile_is_a_value_that_was_measured():
    scores = spreads(*np.random.default_rng(2).permutation(np.arange(1, 101) / 100))

    found = quantiles(scores, [Quantile("half", "spread", 0.5), Quantile("most", "spread", 0.9)])

    assert (found["half"].value, found["most"].value) == (0.5, 0.9)
    assert found["half"].error == pytest.approx(0.05, rel=0.15)  # sqrt(p (1 - p) / n) of a uniform one


def test_runs_without_the_figure_do_not_count_in_a_quantile():
    (found,) = quantiles(spreads(np.nan, 0.4, np.nan), [Quantile("half", "spread", 0.5)]).values()
    (nothing,) = quantiles(spreads(np.nan), [Quantile("half", "spread", 0.5)]).values()

    assert (found.value, np.isnan(found.error)) == (0.4, True)
    assert np.isnan(nothing.value)


def test_eval_prints_the_figures_and_a_row_for_each_scene(root, tmp_path, capsys):
    split = tmp_path / "names.txt"
    split.write_text("one\nother\n")
    common = [
        "eval",
        "--dataset",
        "stills",
        "--root",
        str(root),
        "--split",
        str(split),
        "--every",
        "20",
        "--json",
    ]

    status = main(
        [*common, "--weights", "identity", "--protocol", "mask", "--results", str(tmp_path / "r"), "--json"]
    )

    record = json.loads(capsys.readouterr().out)
    assert status == 0
    assert [row["name"] for row in record["sequences"]] == ["one.1", "one.2", "other.1"]
    assert (record["lost"], record["sure"], record["spread_p90"], record["j_mean"]) == (0, 1, 0, 1)
    assert {"lost_se", "sure_se", "spread_median_se", "first_j_se", "box_iou_se"} <= record.keys()


def test_a_split_that_is_no_file_is_refused(root):
    with pytest.raises(DatasetError, match="no split 'val'"):
        open_benchmark(Choice("stills", root, split="val"))
