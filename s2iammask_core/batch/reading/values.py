"""Values of tables and annotations, checked where they come in; DatasetError says which is wrong."""

import math
from collections.abc import Iterable
from typing import Any

from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError


def text(name: str, value: Any) -> str:
    """A text, or a number as one."""
    if not isinstance(value, str | int | float) or "\0" in str(value):
        raise DatasetError(f"{name} must be a text, got {value!r}")
    return str(value)


def whole(name: str, value: Any) -> int:
    """A whole number of 0 or more, also in a text."""
    try:
        number = int(value)  # of a text all digits count: stamps have more of them than a float holds
        if isinstance(value, bool) or number < 0 or (number != value and isinstance(value, float)):
            raise ValueError(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f"{name} must be a whole number of 0 or more, got {_shown(value)}") from error
    return number


def box(values: Iterable[Any]) -> Box:
    """Of x y width height."""
    given = list(values)
    try:
        x, y, width, height = map(float, given)
    except (TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f"the box {_shown(given)} is no four numbers") from error
    if not all(map(math.isfinite, (x, y, width, height))) or min(width, height) <= 0:
        raise DatasetError(f"the box {_shown(given)} has no area, or numbers that are not finite")
    return Box.from_xywh(x, y, width, height)


def _shown(value: Any) -> str:
    return repr(value)[:80]
