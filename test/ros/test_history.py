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


def test_an_image_is_found_by_its_stamp_and_the_newest_by_zero():
    history = filled(1.0, 1.1, 1.2)

    assert history.find(int(1.1 * SECOND)).stamp == int(1.1 * SECOND)
    assert history.find(0).stamp == int(1.2 * SECOND)


def test_images_older_than_the_span_are_forgotten():
    history = filled(1.0, 2.0, 3.5, span=2.0)

    with pytest.raises(TargetError, match=r"2\.000000000 to 3\.500000000"):
        history.find(SECOND)


def test_more_bytes_than_allowed_push_out_the_oldest():
    history = filled(1.0, 1.1, 1.2, megabytes=0.0025, size=1000)

    assert [each.stamp for each in history.between(0, 9 * SECOND)] == [int(1.1 * SECOND), int(1.2 * SECOND)]


def test_the_newest_stays_even_without_any_room():
    assert filled(1.0, 2.0, span=0.0, megabytes=0.0).find(0).stamp == 2 * SECOND


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
        History(1.0, 1.0).find(0)


def test_the_same_stamp_twice_counts_once():
    history = filled(*[1.0] * 50, megabytes=0.0015, size=1000)
    assert len(history.between(0, 9 * SECOND)) == 1
