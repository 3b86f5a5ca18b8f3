"""Stamps of messages as nanoseconds."""

from builtin_interfaces.msg import Time

SECOND = 1_000_000_000


def nanoseconds(stamp: Time) -> int:
    return int(stamp.sec) * SECOND + int(stamp.nanosec)


def time_message(stamp: int) -> Time:
    return Time(sec=stamp // SECOND, nanosec=stamp % SECOND)


def seconds_text(stamp: int) -> str:
    return f"{stamp // SECOND}.{stamp % SECOND:09d}"
