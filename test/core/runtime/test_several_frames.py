"""Frames of several trackers in one step of a real network."""

import numpy as np
import pytest
import torch

from s2iammask_core import Box, Shot, track_together
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.runtime.torch_tracker import make_tracker


@pytest.mark.parametrize("variant", ["s2iammask", "siammask_sharp"])
def test_several_frames_are_tracked_as_each_would_be_alone(random_network, variant):
    tracker = make_tracker(
        random_network(variant), TrackerConfig(proposals=3), RuntimeConfig(device="cpu", precision="fp32")
    )
    generator = np.random.default_rng(3)
    clips = [generator.integers(0, 255, (3, *size, 3), np.uint8) for size in ((240, 320), (300, 200))]
    teams = [[tracker.sibling() for _ in clips] for _ in range(2)]
    for team in teams:
        for each, clip in zip(team, clips, strict=True):
            each.start(clip[0], [Box(60, 60, 120, 110)])

    for frames in zip(clips[0][1:], clips[1][1:], strict=True):
        together = track_together([*map(Shot, teams[0], frames)])
        for (found,), each, frame in zip(together, teams[1], frames, strict=True):
            (wanted,) = each.track(frame)
            assert (found.score, found.agreement) == pytest.approx((wanted.score, wanted.agreement), abs=1e-3)
            torch.testing.assert_close(found.box.xywh, wanted.box.xywh, atol=0.5, rtol=0)
