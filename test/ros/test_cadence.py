"""What a camera gave, told from the stamps of what arrived."""

import numpy as np
import pytest

from s2iammask_ros.health.cadence import Cadence, period_of
from s2iammask_ros.health.counters import Counters

PERIOD = 33_000_000  # nanoseconds
COUNT = 1500


def stamps_of_a_camera(jitter, seed=0):
    """Nanoseconds; jitter: most that a stamp is off, in periods."""
    off = np.random.default_rng(seed).uniform(-jitter, jitter, COUNT)
    return np.sort((1000 + np.arange(COUNT) + off) * PERIOD).astype(np.int64)


def missing_of(stamps, report_every=30):
    """What is said after all of them, and how often it was the period of PERIOD, +-5 %, or unknown."""
    cadence, periods = Cadence(), []
    for number, stamp in enumerate(stamps.tolist(), start=1):
        cadence.add(stamp)
        if number % report_every == 0 or number == len(stamps):
            missing = cadence.settle(period_of(cadence.stamps()))
            assert missing >= 0
            periods.append(cadence.period)
    return missing, periods


@pytest.mark.parametrize("jitter", [0.0, 1 / 6, 1 / 3])
@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3, 0.5, 0.7, 0.8])
def test_the_estimate_holds_up_to_80_percent_loss_and_jitter_of_a_third(loss, jitter):
    stamps = stamps_of_a_camera(jitter)
    arrived = stamps[np.random.default_rng(1).random(COUNT) >= loss]
    arrived = arrived if loss else stamps

    missing, periods = missing_of(arrived)

    true = (arrived[-1] - arrived[0]) / PERIOD + 1 - len(arrived)
    assert missing == pytest.approx(true, abs=0.03 * COUNT)
    known = [each for each in periods if each is not None]
    assert known
    assert all(abs(each / PERIOD - 1) < 0.08 for each in known)


def test_bursts_of_loss_are_counted_as_well():
    stamps = stamps_of_a_camera(0.1)
    arrived = np.concatenate([stamps[start : start + 60] for start in range(0, COUNT, 100)])

    missing, _ = missing_of(arrived)

    assert missing == pytest.approx(14 * 40, abs=0.03 * COUNT)


def test_images_without_a_rhythm_have_no_period_and_nothing_is_claimed_to_be_missing():
    gaps = np.random.default_rng(0).exponential(PERIOD, COUNT)

    missing, periods = missing_of(np.cumsum(gaps).astype(np.int64))

    assert (missing, set(periods)) == (0, {None})


def test_a_camera_that_pauses_loses_nothing():
    stamps = stamps_of_a_camera(0.1)
    late = stamps + 60_000_000_000

    assert missing_of(np.concatenate([stamps, late]))[0] <= 2


def test_time_that_jumps_back_is_no_gap():
    stamps = stamps_of_a_camera(0.1)
    assert missing_of(np.concatenate([stamps, stamps]))[0] <= 2


def test_nothing_is_missing_before_there_are_enough_stamps_to_know():
    counters = Counters()
    for number in (0, 1, 2, 9):
        counters.receive(number * PERIOD)

    assert counters.settle().missing == 0
    assert counters.period is None


def test_what_was_missing_from_the_beginning_is_counted_once_the_period_is_known():
    counters = Counters()
    for number in (0, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17):
        counters.receive(number * PERIOD)

    assert counters.settle().missing == 5
    assert counters.period == pytest.approx(PERIOD, rel=0.01)
