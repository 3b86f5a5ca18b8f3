"""The answer that is expected of a network, and what does not agree with it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from s2iammask_core import Box, load_tracker
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import WeightsError
from s2iammask_core.model import checkpoint
from s2iammask_core.runtime import verification
from s2iammask_core.runtime.exported import read_description
from s2iammask_core.runtime.verification import NOTE, objection, tracks_of, with_expectation
from s2iammask_core.runtime.weights import weights_file
from s2iammask_core.tracking.tracker import Tracker

CONFIG = TrackerConfig()


@pytest.fixture(autouse=True)
def plain(request, monkeypatch, scene, colours):
    """Objects of one colour, which the network of the tests knows, instead of textured ones."""
    if "network" not in request.fixturenames:
        return

    def boxes(count, height, width, step):
        return [Box.from_xywh(40 + 140 * k + 5 * step, 60 + 3 * step, 60, 70) for k in range(count)]

    def frame(count, height, width, step):
        shown = boxes(count, height, width, step)
        blocks = [(*map(int, box.xywh), colour) for box, colour in zip(shown, colours, strict=False)]
        return scene(*blocks, height=height, width=width)

    monkeypatch.setattr(verification.scene, "boxes", boxes)
    monkeypatch.setattr(verification.scene, "frame", frame)


@pytest.fixture
def notes(network):
    return with_expectation(network, {"trained": "yes"}, CONFIG)


def test_a_network_agrees_with_itself_and_keeps_its_other_notes(network, notes):
    assert notes["trained"] == "yes"
    assert objection(Tracker.of(network, CONFIG), notes) == ""


def test_the_comparison_does_not_depend_on_the_settings_of_the_user(network, notes):
    changed = replace(CONFIG, mask_threshold=0.9, roi_scale=1.0, temporal_weight=0.0)

    assert objection(Tracker.of(network, changed), notes) == ""


@pytest.mark.parametrize("part", ["boxes", "masks"])
def test_other_boxes_or_masks_are_objected_to(network, notes, part):
    expected = json.loads(notes[NOTE])
    expected[part] = expected[part][::-1]

    wrong = objection(Tracker.of(network, CONFIG), {NOTE: json.dumps(expected)})

    assert wrong.startswith("its answers are not the network's (IoU 0.")


def test_answers_that_are_no_numbers_are_objected_to(network, notes):
    whole = network.search
    network.search = lambda *given: replace(whole(*given), scores=whole(*given).scores * np.nan)

    assert objection(Tracker.of(network, CONFIG), notes).startswith("its answers are not the network's")


def test_a_way_that_cannot_run_at_all_is_noticed_where_nothing_is_expected_too(network):
    network.search = None

    with pytest.raises(TypeError):
        objection(Tracker.of(network, CONFIG), {})


def test_nothing_is_expected_of_a_network_that_follows_nothing(random_network):
    untrained = random_network("s2iammask")

    assert with_expectation(untrained, {NOTE: "of before", "trained": "no"}, CONFIG) == {"trained": "no"}


def test_an_expectation_of_another_version_is_not_compared(network, notes):
    expected = json.loads(notes[NOTE])
    expected["settings"]["of_the_future"] = 1
    expected["boxes"] = expected["boxes"][::-1]

    assert objection(Tracker.of(network, CONFIG), {NOTE: json.dumps(expected)}) == ""


@pytest.mark.parametrize("text", ["{", "[]", '{"settings": {}, "boxes": [[1]], "masks": []}'])
def test_a_broken_expectation_is_an_error(network, text):
    with pytest.raises(WeightsError, match="expected answer"):
        objection(Tracker.of(network, CONFIG), {NOTE: text})


@pytest.mark.skipif(not weights_file().is_file(), reason="the weights are not in this checkout")
def test_the_answers_that_ship_are_those_of_the_network_that_ships():
    network, notes = checkpoint.load(weights_file())

    found, stored = (json.loads(each[NOTE]) for each in (with_expectation(network, {}, CONFIG), notes))

    assert found["settings"] == stored["settings"]
    assert np.abs(np.subtract(found["boxes"], stored["boxes"])).max() < 1.0
    assert objection(Tracker.of(network, CONFIG), notes) == ""


@pytest.mark.skipif(not weights_file().is_file(), reason="the weights are not in this checkout")
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_the_graphs_that_ship_are_the_network_that_ships(engine):
    pytest.importorskip(engine)
    path = weights_file()
    network, notes = checkpoint.load(path)
    described = read_description(path.with_suffix(""))
    runtime = RuntimeConfig(runtime=engine, precision="fp32")

    graphs = load_tracker(path.with_suffix(""), device="cpu", runtime=runtime)

    assert described.notes == notes
    assert described.variant == network.config.variant
    for one, other in zip(tracks_of(graphs), tracks_of(Tracker.of(network)), strict=True):
        sides = [(each.box.x1, each.box.y1, each.box.x2, each.box.y2) for each in (one, other)]
        assert np.abs(np.subtract(*sides)).max() <= 1  # one pixel of a mask may lie on the threshold
        assert abs(one.score - other.score) < 1e-3
