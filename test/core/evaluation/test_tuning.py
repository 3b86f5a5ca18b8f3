import json
from dataclasses import dataclass, replace

import pytest

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import ConfigError, DatasetError
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.identity import IdentityTracker
from s2iammask_core.evaluation.reported import DAVIS_VAL, reported
from s2iammask_core.evaluation.search import SPACE, Search, Storage
from s2iammask_core.spread import Workers

optuna = pytest.importorskip("optuna")

from s2iammask_core.evaluation import tuning

ALONE = Workers()


class ShiftedTracker(IdentityTracker):
    """The further penalty_k is from 0.1, the further is its box from the object."""

    def __init__(self, config):
        super().__init__()
        self.shift = 200 * abs(config.penalty_k - 0.1)

    def track(self, frame):
        return [self._moved(track) for track in super().track(frame)]

    def _moved(self, track):
        x, y, width, height = track.box.xywh
        box = Box.from_xywh(x + self.shift, y, width, height)
        return replace(track, box=box, rotated_box=RotatedBox.from_box(box))


@dataclass(frozen=True)
class ShiftedFactory:
    config: TrackerConfig = TrackerConfig()

    def configured(self, config):
        return ShiftedFactory(config)

    def make(self):
        return ShiftedTracker(self.config)

    def describe(self):
        return {"tracker": "shifted"}


@pytest.fixture
def task(tmp_path, files):
    for name in "abcd":
        files.frames(tmp_path / "data" / name / "img", 3)
        files.rows(tmp_path / "data" / name / "groundtruth_rect.txt", [(10, 10, 20, 10)] * 3)
    benchmark = open_benchmark(Choice("otb-layout", tmp_path / "data"))
    return Search(benchmark, ShiftedFactory(), TrackerConfig(), {"penalty_k": (0.0, 0.2)})


@pytest.fixture
def storage(tmp_path):
    return Storage(f"sqlite:///{tmp_path / 'trials.db'}", "test")


def test_a_search_finds_the_settings_that_score_best(task, storage):
    tuning.search(task, storage, 10, ALONE)

    outcome = tuning.outcome(task, storage)
    assert outcome.objective == "auc"
    assert outcome.trials == 10
    assert outcome.settings["penalty_k"] == pytest.approx(0.1, abs=0.05)
    assert outcome.best(task.base)["penalty_k"] == outcome.settings["penalty_k"]
    assert outcome.best(task.base)["window_influence"] == TrackerConfig().window_influence


def test_hopeless_settings_are_given_up_after_some_sequences(task, storage):
    tuning.search(task, storage, 10, ALONE)

    pruned = optuna.load_study(study_name="test", storage=storage.url).get_trials(
        states=[optuna.trial.TrialState.PRUNED]
    )
    assert pruned
    assert all(len(trial.intermediate_values) < 4 for trial in pruned)


def test_a_search_goes_on_where_it_stopped(task, storage):
    tuning.search(task, storage, 3, ALONE)
    seen = []

    tuning.search(task, storage, 5, ALONE, done=seen.append)
    tuning.search(task, storage, 5, ALONE, done=seen.append)

    assert seen == [4, 5]


def test_a_study_of_another_search_is_refused(task, storage):
    tuning.search(task, storage, 1, ALONE)

    with pytest.raises(ConfigError, match="study 'test' has another sequences"):
        tuning.search(replace(task, benchmark=task.benchmark.only(["a"])), storage, 2, ALONE)


def test_tuning_on_reported_sequences_is_kept_with_the_study(task, storage):
    tuning.opened(replace(task, on_test=("a",)), storage)

    study = optuna.load_study(study_name="test", storage=storage.url)
    assert study.user_attrs["search"]["on_test"] == ["a"]


def test_a_storage_that_cannot_be_opened_is_named(task):
    with pytest.raises(ConfigError, match="cannot open the storage nosuchdb://"):
        tuning.opened(task, Storage("nosuchdb://host", "test"))


def test_a_split_without_a_value_is_an_error(tmp_path, files, storage):
    files.frames(tmp_path / "vot/a", 3)
    files.rows(tmp_path / "vot/a/groundtruth.txt", [(10, 10, 20, 10)] * 3)
    benchmark = open_benchmark(Choice("vot-layout", tmp_path / "vot"))
    task = Search(benchmark, ShiftedFactory(), TrackerConfig(), {"penalty_k": (0.0, 0.2)})

    with pytest.raises(DatasetError, match="too small: eao has no value"):
        tuning.search(task, storage, 1, ALONE)


def test_whole_numbers_are_searched_as_such(task, storage):
    tuning.search(replace(task, space={"proposals": (2, 20)}), storage, 2, ALONE)

    assert isinstance(tuning.outcome(task_with_proposals(task), storage).settings["proposals"], int)


def task_with_proposals(task):
    return replace(task, space={"proposals": (2, 20)})


def test_all_settings_of_the_default_search_are_known(task):
    assert set(replace(task, space=SPACE).space) == set(SPACE)
    assert json.dumps(replace(task, space=SPACE).describe())


def test_all_of_vot_and_otb_is_reported(tmp_path, files):
    files.frames(tmp_path / "a", 1)
    files.rows(tmp_path / "a/groundtruth.txt", [(1, 2, 10, 10)])

    assert reported(open_benchmark(Choice("VOT2018", tmp_path)), tmp_path) == ("a",)
    assert reported(open_benchmark(Choice("vot-layout", tmp_path)), tmp_path) == ()


def test_of_davis_the_validation_sequences_are_reported(tmp_path, files):
    root = files.davis(tmp_path, ["camel", "bear"], frames=2)

    assert reported(open_benchmark(Choice("DAVIS2016", root)), root) == ("camel",)
    assert len(DAVIS_VAL) == 30


def test_of_youtube_the_validation_folder_is_reported(tmp_path, files):
    for name in ("valid", "train"):
        root = files.youtube(tmp_path / name)
        expected = ("v",) if name == "valid" else ()
        assert reported(open_benchmark(Choice("YTVOS2019", root)), root) == expected
