"""The training settings that come with the package."""

import re
from pathlib import Path

import pytest
import yaml

from s2iammask_core.cli.train import overridden
from s2iammask_core.errors import ConfigError
from s2iammask_core.training.settings import OBJECTIVES, from_nested, read_settings
from s2iammask_core.training.setup import READERS

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = sorted((ROOT / "config").glob("train_*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_each_shipped_training_can_be_read(path):
    config = read_settings(path)
    assert config.steps_per_epoch > 0
    assert config.pairs.search_crop >= config.augment.search_pixels


def test_the_settings_in_the_guide_can_be_read():
    guide = (ROOT / "docs" / "training.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)

    config = from_nested(yaml.safe_load(example))

    assert [each.kind for each in config.data] == ["stills", "davis"]
    assert all(f"`{kind}`" in guide for kind in (*READERS, *OBJECTIVES))


def test_the_second_stage_enlarges_regions_nearly_as_the_tracker_does():
    from s2iammask_core.config import TrackerConfig

    stage2 = next(path for path in CONFIGS if path.stem == "train_stage2")
    assert read_settings(stage2).regions.scale == pytest.approx(TrackerConfig().roi_scale, abs=0.11)


def test_a_setting_is_replaced_from_the_command_line():
    assert overridden({"schedule": {"name": "cos"}}, ["schedule.start=0.1"])["schedule"] == {
        "name": "cos",
        "start": 0.1,
    }


@pytest.mark.parametrize(
    "override", ["epochs", "=3", "epochs.x=1", "epochs=[1", "epochs=2024-13-45", "epochs=!!bool maybe"]
)
def test_an_override_that_names_no_setting_is_refused(override):
    with pytest.raises(ConfigError, match="--set"):
        overridden({"epochs": 3}, [override])
