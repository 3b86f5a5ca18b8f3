"""Stamps of messages as nanoseconds."""

from builtin_interfaces.msg import Time

SECOND = 1_000_000_000


def nanoseconds(stamp: Time) -> int:
    return int(stamp.sec) * SECOND + int(stamp.nanosec)


def time_message(stamp: int) -> Time:
    return Time(sec=stamp // SECOND, nanosec=stamp % SECOND)


def seconds_text(stamp: int) -> str:
    return f"{stamp // SECOND}.{stamp % SECOND:09d}"


def span_text(seconds: float) -> str:
    """A length of time for people, in the largest unit of which there is more than one."""
    for unit, length in (("years", 31_557_600), ("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.2f} s"
