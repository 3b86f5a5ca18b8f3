"""Settings that no run could go well with are named before it begins."""

import pytest

from s2iammask_core.errors import ConfigError, DatasetError, UnavailableError
from s2iammask_core.training.loop import train
from s2iammask_core.training.settings import from_nested
from s2iammask_core.training.setup import read_sets


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"epoch": 3}, "did you mean epochs"),
        ({"schedule": {"name": "cosine"}}, "name must be one of"),
        ({"data": []}, "data must list"),
        ({"data": [{"kind": "cats", "root": "."}]}, "unknown kind of data 'cats'"),
        ({"data": 5}, "data must be a list"),
        ({"data": [{"kind": "stills", "root": "x", "num_use": 5}]}, "unknown setting 'num_use'"),
        ({"data": [{"kind": "stills", "root": "x", "options": [5]}]}, "options of data stills must hold"),
        ({"data": [{"kind": "stills"}]}, "needs root"),
        ({"trained": ["nothing"]}, "name no part"),
        ({"trained": [1]}, "name no part"),
        ({"trained": ["mask"]}, "name no part that objective proposals teaches: 'mask'"),
        ({"objective": "base"}, r"objective base trains network\.variant siammask_base, not siammask_box"),
        ({"schedule": {"warmup": 1, "warmup_start": 0}}, "warmup_start must lie in"),
        ({"schedule": {"name": "step", "every": 0}}, "every must lie in"),
        ({"augment": {"search_pixels": 200}}, r"search_pixels must be .* a multiple of 8"),
        ({"pairs": {"search_crop": 143}, "augment": {"search_pixels": 175}}, "search_crop must be at least"),
        ({"pairs": {"template_crop": 130}, "augment": {"template_pixels": 135}}, "template_crop must be"),
    ],
)
def test_a_wrong_setting_is_named(small_settings, change, complaint):
    with pytest.raises(ConfigError, match=complaint):
        train(from_nested(small_settings | change))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"num_use": "many"}, "num_use of data must be a number"),
        ({"num_use": -1}, "num_use of data must be a number"),
        ({"frame_range": 0}, "frame_range of data must be a number"),
        ({"exclude": "p0"}, "exclude of data names a file of names: cannot read p0"),
        ({"exclude": 5}, "exclude of data must be a list of names or a file"),
        ({"exclude": ["p0", "p9"]}, "exclude of data names what stills has not: p9"),
        ({"colour": 1}, "options of data stills.*colour"),
    ],
)
def test_a_wrong_option_of_a_data_set_is_named(small_settings, stills, change, complaint):
    data = [{"kind": "stills", "root": str(stills), "options": change}]
    with pytest.raises(ConfigError, match=complaint):
        read_sets(from_nested(small_settings | {"data": data}))


def test_a_data_set_of_which_nothing_is_left_is_named(small_settings, stills):
    everything = [path.stem for path in (stills / "images").iterdir()]
    data = [{"kind": "stills", "root": str(stills), "options": {"exclude": everything}}]

    with pytest.raises(DatasetError, match="no object to train on"):
        read_sets(from_nested(small_settings | {"data": data}))


@pytest.mark.parametrize("objective", ["regions", "joint"])
def test_masks_of_regions_need_patches_that_the_neck_leaves_whole(small_settings, objective):
    change = {"objective": objective, "network": {"variant": "s2iammask"}, "trained": ["region_masks"]}
    with pytest.raises(ConfigError, match="search_pixels must be 167 or more"):
        from_nested(small_settings | change)


def test_a_device_that_is_none_is_named(small_settings):
    with pytest.raises(UnavailableError, match="no device 'gpu'"):
        train(from_nested(small_settings | {"device": "gpu"}))


def test_first_masks_need_a_network_that_has_them(small_settings):
    for network in ({"memory": False}, {"first_mask": False}):
        settings = small_settings | {
            "objective": "first_mask",
            "network": network,
            "trained": ["first_masks"],
        }
        with pytest.raises(ConfigError, match=r"needs network\.first_mask and network\.memory"):
            from_nested(settings | {"unfrozen": []})
