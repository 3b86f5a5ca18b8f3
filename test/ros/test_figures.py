"""Counters, percentiles and the levels of diagnostics."""

import math
from dataclasses import replace

import pytest

from s2iammask_ros.health.counters import Counters, Counts
from s2iammask_ros.health.depth import DepthReport, Source
from s2iammask_ros.health.diagnostics import ERROR, OK, WARN, Report, stream_status
from s2iammask_ros.health.latency import STAGES, LatencyWindow, Percentiles, Summary, Timing, percentiles
from s2iammask_ros.health.loss import Transport
from s2iammask_ros.health.throttle import Throttle
from s2iammask_ros.images.depth_stream import DepthCounts
from s2iammask_ros.settings import NodeConfig

PERIOD = 33_000_000  # nanoseconds


def test_each_image_is_counted_once():
    counters = Counters()
    for number, fate in enumerate(["processed", "dropped", "late", "failed", "processed"]):
        counters.receive(number * PERIOD)
        counters.count(fate)

    assert counters.counts == Counts(received=5, processed=2, dropped=1, late=1, failed=1, missing=0)


def test_percentiles_are_in_milliseconds_and_ignore_what_is_unknown():
    found = percentiles([0.010, 0.020, 0.030, float("nan")])
    assert (found.p50, found.p99) == pytest.approx((20.0, 29.8))


def test_no_images_have_no_percentiles():
    assert math.isnan(percentiles([]).p50)


def test_the_window_forgets_what_is_old():
    window = LatencyWindow(0.0)
    for second in range(30):
        window.add(Timing(float(second), second / 100, (0.0,) * len(STAGES)))

    summary = window.summary(29.0)

    assert summary.window == 10.0
    assert summary.rate == pytest.approx(1.1)
    assert summary.total.p50 == pytest.approx(240.0)


def test_stamps_of_another_clock_have_no_latency_but_an_age():
    window = LatencyWindow(0.0)
    for number in range(3):
        window.arrive(1e8 + number)
        window.add(Timing(float(number), 1e8, (0.0,) * len(STAGES)))

    summary = window.summary(3.0)

    assert math.isnan(summary.total.p95)
    assert summary.age == 1e8 + 1
    assert summary.rate == 1.0


def report(p95=50.0, silence=0.0, age=0.01, rate=30.0, **counts):
    summary = Summary(10.0, rate, Percentiles(20.0, p95, p95), (Percentiles(),) * len(STAGES), age)
    return Report(Counts(**counts), Counts(), summary, silence, targets=1)


@pytest.mark.parametrize(
    ("given", "level", "words"),
    [
        (report(received=10, processed=10), OK, "1 targets at 30.0 Hz"),
        (report(p95=300.0, received=10, processed=10), WARN, "latency_warn"),
        (report(p95=3000.0, received=10, processed=10), ERROR, "latency_error"),
        (report(silence=5.0), WARN, "no image for 5 s"),
        (report(received=10, failed=10), ERROR, "none can be tracked"),
        (report(received=10, late=10), ERROR, "max_age"),
        (report(received=10, processed=9, failed=1), WARN, "failed"),
        (report(received=10, processed=10, missing=20), WARN, "67 % of the images"),
        (
            report(rate=3.0, received=30, processed=3, dropped=27),
            WARN,
            "1 targets at 3.0 Hz, fewer than min_rate",
        ),
        (report(rate=3.0, received=3, processed=3), OK, "1 targets at 3.0 Hz"),
        (report(age=-3.0, received=10, processed=10), WARN, "3.00 s ahead of the node's clock: synchronise"),
        (report(age=-1e9, received=10, processed=10), WARN, "/clock"),
        (report(age=95902337.0, received=10, processed=10), WARN, "3.0 years behind the node's clock"),
        (report(p95=3000.0, age=2.9, received=10, processed=10), ERROR, "2.90 s old when they arrive"),
        (report(age=15.0, received=10, late=10), ERROR, "15.00 s old when they arrive"),
    ],
)
def test_the_level_says_how_bad_it_is(given, level, words):
    status = stream_status("tracker: image", given, NodeConfig())

    assert status.level == level
    assert words in status.message
    assert {pair.key: pair.value for pair in status.values}["received"] == str(given.counts.received)


@pytest.mark.parametrize(
    ("transport", "size", "words", "not_said"),
    [
        (
            Transport(False, False),
            6_000_000,
            ["the camera and this node", "reliably", "compressed"],
            "threads",
        ),
        (Transport(True, False), 6_000_000, ["the camera's process too", "reliably"], "this node"),
        (Transport(True, True), 6_000_000, ["the camera's process too", "smaller"], "reliably"),
        (Transport(True, True), 400_000, ["leave the machine more time"], "smaller"),
    ],
)
def test_the_remedy_for_lost_images_is_what_is_not_done_yet(transport, size, words, not_said):
    lossy = replace(report(received=10, processed=10, missing=20), transport=transport, image_bytes=size)

    text = stream_status("tracker: image", lossy, NodeConfig()).message

    assert [each for each in words if each not in text] == []
    assert not_said not in text


def depth(cameras=0, infos=0, **counts):
    """Publishers, and what came of them."""
    return DepthReport(Source("/d", cameras), Source("/i", infos), DepthCounts(**counts), 0.02)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (depth(), "nobody publishes /d; name the topic (depth:=TOPIC of tracker.launch.py"),
        (depth(1), "no image comes on /d"),
        (depth(1, depths=9), "nobody publishes /i; name the topic (camera_info:=TOPIC"),
        (depth(1, 1, depths=9), "nothing comes on /i"),
        (depth(1, 1, depths=9, camera_infos=9), "focal length"),
        (
            depth(1, 1, depths=9, camera_infos=9, calibrated=True, depths_missed=30),
            "none of the last 30 images has a depth image within depth_tolerance (0.02 s)",
        ),
    ],
)
def test_what_keeps_depth_from_being_used_is_said(given, words):
    status = stream_status(
        "tracker: image", replace(report(received=10, processed=10), depth=given), NodeConfig()
    )

    assert status.level == WARN
    assert words in status.message


def test_depth_that_comes_and_a_node_that_has_just_begun_give_no_warning():
    good = depth(1, 1, depths=9, camera_infos=9, calibrated=True, depths_missed=2)
    used = replace(report(received=10, processed=10), depth=good)
    begun = replace(used, depth=depth(), summary=replace(used.summary, window=1.0))

    assert [stream_status("a", each, NodeConfig()).level for each in (used, begun)] == [OK, OK]


def test_the_same_warning_is_said_once_in_a_while_whatever_its_figures():
    throttle = Throttle(seconds=60.0)
    said = [throttle.allows(f"image {number} is too old") for number in range(5)]
    assert said == [True, False, False, False, False]
    assert throttle.allows("something else")
