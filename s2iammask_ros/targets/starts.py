"""The image in which a client wants its targets to start."""

from s2iammask_core.errors import TargetError
from s2iammask_ros.images.arrivals import ImageMessage
from s2iammask_ros.images.history import History, Stamped
from s2iammask_ros.messages.stamps import SECOND
from s2iammask_ros.targets.records import Moment


def meant(
    kept: History[ImageMessage], moment: Moment, now: int, max_age: float, period: int
) -> Stamped[ImageMessage]:
    """The kept image that is meant; TargetError if there is none, or the camera has died meanwhile.

    now, period (of the camera; 0 while unknown): nanoseconds; max_age: seconds, 0 for any.
    """
    newest = kept.newest()
    age = (now - newest.stamp) / SECOND
    if max_age and age > max_age + period / SECOND:
        raise TargetError(
            f"the newest image is {age:.3g} s old, more than max_age ({max_age:g} s): "
            "is the camera still publishing?"
        )
    if not moment.stamp:
        return newest
    if moment.clicked:
        return kept.newest(until=moment.stamp)
    return kept.find(moment.stamp, period // 2)
