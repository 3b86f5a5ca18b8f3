"""Counters, percentiles and the levels of diagnostics."""

import math

import pytest

from s2iammask_ros.health.counters import Counters, Counts
from s2iammask_ros.health.diagnostics import ERROR, OK, WARN, Report, stream_status
from s2iammask_ros.health.latency import STAGES, LatencyWindow, Percentiles, Summary, Timing, percentiles
from s2iammask_ros.health.throttle import Throttle
from s2iammask_ros.settings import NodeConfig

PERIOD = 33_000_000  # nanoseconds


def test_each_image_is_counted_once():
    counters = Counters()
    for number, fate in enumerate(["processed", "dropped", "late", "failed", "processed"]):
        counters.receive(number * PERIOD)
        counters.count(fate)

    assert counters.counts == Counts(received=5, processed=2, dropped=1, late=1, failed=1, missing=0)


def test_images_that_never_arrived_are_seen_in_the_gaps_between_stamps():
    counters = Counters()
    for number in [0, 1, 2, 3, 4, 7, 8, 9, 20]:
        counters.receive(number * PERIOD)

    assert counters.counts.missing == 2 + 10


def test_time_that_jumps_back_is_no_gap():
    counters = Counters()
    for number in [0, 1, 2, 3, 0, 1, 2]:
        counters.receive(number * PERIOD)

    assert counters.counts.missing == 0


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


def report(p95=50.0, silence=0.0, **counts):
    summary = Summary(10.0, 30.0, Percentiles(20.0, p95, p95), (Percentiles(),) * len(STAGES))
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
        (report(received=10, processed=10, missing=20), WARN, "do not arrive"),
    ],
)
def test_the_level_says_how_bad_it_is(given, level, words):
    status = stream_status("tracker: image", given, NodeConfig())

    assert status.level == level
    assert words in status.message
    assert {pair.key: pair.value for pair in status.values}["received"] == str(given.counts.received)


def test_the_same_warning_is_said_once_in_a_while_whatever_its_figures():
    throttle = Throttle(seconds=60.0)
    said = [throttle.allows(f"image {number} is too old") for number in range(5)]
    assert said == [True, False, False, False, False]
    assert throttle.allows("something else")
