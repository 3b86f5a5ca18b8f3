"""Whatever comes in, the tracker answers or raises one of its own errors, and stays usable."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2iammask_core import Box, S2iamMaskError, Tracker, TrackerConfig

NUMBERS = st.one_of(
    st.floats(-400, 800), st.floats(width=32), st.sampled_from([0.0, math.nan, math.inf, 1e30])
)
SIZES = st.tuples(st.integers(1, 300), st.integers(1, 400))
HYPOTHESIS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def frames_and_boxes(draw):
    """A frame size, and a box somewhere near the frame or nowhere."""
    height, width = draw(SIZES)
    share = st.floats(-0.3, 1.3)
    x1, y1 = draw(share) * width, draw(share) * height
    near = Box.from_xywh(x1, y1, draw(share) * width, draw(share) * height)
    return (height, width), draw(st.sampled_from([near, near, near, Box(*(draw(NUMBERS) for _ in range(4)))]))


@pytest.mark.parametrize(("source", "compat"), [("roi", "s2iammask"), ("cell", "siammask")])
@given(case=frames_and_boxes(), seed=st.integers(0, 99))
@HYPOTHESIS
def test_any_box_on_any_frame_is_tracked_or_refused(make_network, source, compat, case, seed):
    size, box = case
    tracker = Tracker.of(make_network(source), TrackerConfig(compat=compat, proposals=2))
    frame = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)

    try:
        tracker.start(frame, [box])
    except S2iamMaskError:
        assert tracker.ids == ()
        return

    for track in (tracker.track(frame)[0] for _ in range(7)):
        values = (track.box.x1, track.box.y1, track.box.x2, track.box.y2, track.confidence)
        assert all(map(math.isfinite, values))
        assert track.mask.full(*size).sum() == track.mask.area


@given(values=st.lists(NUMBERS, min_size=0, max_size=12), columns=st.integers(1, 3))
@HYPOTHESIS
def test_any_polygon_starts_a_target_or_is_refused(make_network, values, columns):
    tracker = Tracker.of(make_network())
    points = np.array(values[: len(values) // columns * columns]).reshape(-1, columns)

    try:
        tracker.start(np.zeros((200, 300, 3), np.uint8), [points])
    except S2iamMaskError:
        assert tracker.ids == ()
    else:
        assert tracker.targets[0].width > 0
