from dataclasses import fields

import pytest

from s2iammask_core.config import NetworkConfig, RuntimeConfig, TrackerConfig, from_mapping
from s2iammask_core.errors import ConfigError
from s2iammask_core.files.yamls import read_yaml


def test_defaults_are_valid():
    assert TrackerConfig().proposals == 10
    assert RuntimeConfig().device == "auto"


@pytest.mark.parametrize(
    "values",
    [
        {"penalty_k": -0.1},
        {"penalty_k": float("nan")},
        {"proposals": 0},
        {"proposals": 2.5},
        {"proposals": True},
        {"state_from_mask": 1},
        {"compat": "original"},
        {"search_pixels": 256},
        {"search_pixels": 127},
        {"search_pixels": 127, "template_pixels": 511},
        {"template_pixels": 63, "search_pixels": 127},
        {"lost_below": 0.9},
    ],
)
def test_a_bad_value_is_refused_with_the_name_of_its_setting(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        TrackerConfig(**values)


def test_a_number_that_yaml_takes_for_a_text_is_refused_with_a_hint(tmp_path):
    (tmp_path / "s.yaml").write_text("penalty_k: 1e-1")
    with pytest.raises(ConfigError, match=r"penalty_k must be float, got '1e-1'.*1\.0e-3"):
        from_mapping(TrackerConfig, read_yaml(tmp_path / "s.yaml"))


def test_an_unknown_setting_is_refused_with_the_nearest_known_one():
    with pytest.raises(ConfigError, match="did you mean penalty_k"):
        from_mapping(TrackerConfig, {"penalty": 0.1})


def test_a_name_that_yaml_does_not_read_as_text_is_unknown_too(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("on: 1\n")

    with pytest.raises(ConfigError, match="unknown setting True"):
        from_mapping(TrackerConfig, read_yaml(path))


def test_whole_numbers_are_accepted_for_real_ones():
    assert from_mapping(TrackerConfig, {"min_mask_area": 25}).min_mask_area == 25


def test_every_setting_says_what_it_means():
    for kind in (TrackerConfig, RuntimeConfig):
        assert all(each.metadata["meaning"] for each in fields(kind))


def test_settings_are_read_from_yaml(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("proposals: 5\ncompat: siammask\n")

    assert from_mapping(TrackerConfig, read_yaml(path)).proposals == 5


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_settings_that_another_editor_saved_are_read_too(tmp_path, encoding):
    path = tmp_path / "settings.yaml"
    path.write_text("proposals: 5\n", encoding=encoding)

    assert read_yaml(path) == {"proposals": 5}


@pytest.mark.parametrize(
    "text",
    [
        "- 1\n",
        "a: [",
        "\xff",
        "a: 2024-13-45",
        "a: !!bool maybe",
        "a: !!int x",
        "a: " + "[" * 5000,
        "a: !!timestamp x",
    ],
)
def test_a_file_without_settings_is_refused(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigError, match="settings"):
        read_yaml(path)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"variant": "siammask_sharp", "backbone": "small"}, "siammask_sharp has the backbone resnet50"),
        ({"mask_detail": False}, "memory needs mask_detail"),
    ],
)
def test_networks_that_cannot_be_are_refused_with_what_to_do(values, reason):
    with pytest.raises(ConfigError, match=reason):
        NetworkConfig(**values)


def test_a_network_without_a_second_stage_has_no_memory_that_could_need_detail():
    assert not NetworkConfig("siammask_box", mask_detail=False).is_small
