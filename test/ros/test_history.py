"""The images of the recent past."""

import pytest
from sensor_msgs.msg import Image

from s2iammask_core.errors import TargetError
from s2iammask_ros.images.history import History, Stamped
from s2iammask_ros.messages.stamps import SECOND


def image(seconds, size=10):
    return Stamped(int(seconds * SECOND), Image(data=bytes(size)))


def filled(*seconds, span=2.0, megabytes=1.0, size=10):
    history = History(span, megabytes)
    for each in seconds:
        history.add(image(each, size))
    return history


def test_an_image_is_found_by_its_stamp():
    history = filled(1.0, 1.1, 1.2)

    assert history.find(int(1.1 * SECOND)).stamp == int(1.1 * SECOND)
    assert history.newest().stamp == int(1.2 * SECOND)


def test_images_older_than_the_span_are_forgotten():
    history = filled(1.0, 2.0, 3.5, span=2.0)

    with pytest.raises(TargetError, match=r"2\.000000000 to 3\.500000000"):
        history.find(SECOND)


def test_more_bytes_than_allowed_push_out_the_oldest():
    history = filled(1.0, 1.1, 1.2, megabytes=0.0025, size=1000)

    assert [each.stamp for each in history.between(0, 9 * SECOND)] == [int(1.1 * SECOND), int(1.2 * SECOND)]


def test_the_newest_stays_even_without_any_room():
    assert filled(1.0, 2.0, span=0.0, megabytes=0.0).newest().stamp == 2 * SECOND


def test_time_that_jumps_back_forgets_everything_else():
    history = filled(5.0, 5.1)

    assert history.add(image(1.0))
    assert not history.add(image(1.1))

    assert [each.stamp for each in history.between(0, 9 * SECOND)] == [SECOND, int(1.1 * SECOND)]


def test_older_images_can_be_forgotten():
    history = filled(1.0, 1.1, 1.2, size=1000, megabytes=0.003)

    history.forget_before(int(1.1 * SECOND))

    assert [each.stamp for each in history.between(0, 9 * SECOND)] == [int(1.1 * SECOND), int(1.2 * SECOND)]
    assert not history.add(image(1.3, size=1000))
    assert len(history.between(0, 9 * SECOND)) == 3


def test_an_empty_history_says_that_no_image_has_come():
    with pytest.raises(TargetError, match="no image has come yet"):
        History(1.0, 1.0).newest()
    with pytest.raises(TargetError, match="no image has come yet"):
        History(1.0, 1.0).find(SECOND)


def test_a_stamp_that_is_a_little_off_finds_the_nearest_image():
    history, tolerance = filled(1.0, 1.1, 1.2), int(0.05 * SECOND)

    assert history.find(int(1.14 * SECOND), tolerance).stamp == int(1.1 * SECOND)
    assert history.find(int(1.24 * SECOND), tolerance).stamp == int(1.2 * SECOND)
    with pytest.raises(TargetError, match=r"1\.260000000"):
        history.find(int(1.26 * SECOND), tolerance)


def test_a_click_finds_the_newest_image_that_could_be_seen_then():
    history = filled(1.0, 1.1, 1.2)

    assert history.newest(until=int(1.19 * SECOND)).stamp == int(1.1 * SECOND)
    assert history.newest(until=int(99 * SECOND)).stamp == int(1.2 * SECOND)
    with pytest.raises(TargetError, match=r"no image as old as stamp 0\.9"):
        history.newest(until=int(0.9 * SECOND))


def test_the_same_stamp_twice_counts_once():
    history = filled(*[1.0] * 50, megabytes=0.0015, size=1000)
    assert len(history.between(0, 9 * SECOND)) == 1
