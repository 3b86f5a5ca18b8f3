"""Captures that fail: what goes on without them, and what is told."""

import pytest
import torch

from s2iammask_core import Box, Tracker
from s2iammask_core.runtime.graph import GraphRunner

FULL = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")
FORBIDDEN = RuntimeError("CUDA error: operation not permitted when stream is capturing")


class Capture:
    """Raises what it is given, once each, None meaning that it works; then it works."""

    def __init__(self, *errors):
        self.errors, self.tried, self.replayed = list(errors), 0, 0

    def __call__(self, work):
        self.tried += 1
        if self.errors and (error := self.errors.pop(0)):
            raise error

        def replay():
            self.replayed += 1
            return work()

        return replay


@pytest.fixture
def tracked(make_network, scene, colours):
    """Tracks a red block by captures that fail, and by none: the centres, frame by frame, of one or two
    targets by turns.
    """

    def run(capture, frames=4):
        network = make_network()
        trackers = Tracker.of(network, runner=GraphRunner(network, capture)), Tracker.of(make_network())
        found = []
        for shift in range(frames):
            frame = scene((60 + 5 * shift, 50, 40, 30, colours[0]))
            box = Box.from_xywh(60 + 5 * shift, 50, 40, 30)
            pair = [each.start(frame, [box] * (1 + shift % 2)) and each.track(frame) for each in trackers]
            found.append([[track.box.center for track in tracks] for tracks in pair])
            for each in trackers:
                each.stop()
        return found

    return run


def assert_same(found):
    for captured, eager in found:
        assert captured == [pytest.approx(place, abs=0.5) for place in eager]


def test_without_captures_it_goes_on_operation_by_operation_and_says_so_once(tracked, caplog):
    capture = Capture(FORBIDDEN)

    assert_same(tracked(capture))

    assert (capture.tried, capture.replayed) == (1, 0)
    assert [record.message for record in caplog.records] == [
        "no CUDA graph could be made for 1 windows (RuntimeError: CUDA error: operation not permitted when "
        "stream is capturing); steps run uncaptured now"
    ]


def test_the_first_time_that_memory_is_too_small_other_captures_make_room(tracked, caplog):
    capture = Capture(None, FULL)

    assert_same(tracked(capture))

    assert capture.tried == 4  # one target, two that fail and succeed, and one again, which had made room
    assert capture.replayed == 4
    assert not caplog.records


def test_where_memory_stays_too_small_smaller_steps_are_captured(tracked, caplog):
    capture = Capture(None, FULL, FULL)

    assert_same(tracked(capture, frames=6))

    assert capture.tried == 4  # one target, two in vain, and one again
    assert capture.replayed == 9  # two targets are two steps
    assert [record.message for record in caplog.records] == [
        "no CUDA graph could be made for 2 windows (OutOfMemoryError: CUDA out of memory. Tried to allocate "
        "20 MiB); steps have up to 1 windows now"
    ]


def test_captures_do_not_push_each_other_out_by_turns(tracked):
    capture = Capture(None, FULL, None, FULL)

    assert_same(tracked(capture, frames=8))

    assert capture.tried == 4


def test_a_device_that_is_lost_is_not_taken_for_a_capture_that_failed(make_network, scene, colours):
    network, lost = make_network(), RuntimeError("CUDA error: an illegal memory access was encountered")
    tracker = Tracker.of(network, runner=GraphRunner(network, Capture(lost)))
    frame = scene((60, 50, 40, 30, colours[0]))
    tracker.start(frame, [Box.from_xywh(60, 50, 40, 30)])

    def broken(*given):
        raise lost

    network.search = broken
    with pytest.raises(RuntimeError, match="illegal memory access"):
        tracker.track(frame)
