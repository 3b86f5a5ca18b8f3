"""Bytes for messages in the one form that rclpy takes without looking at each of them."""

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray


def byte_array(values: NDArray[Any]) -> "array[int]":
    """The bytes of an array in row order, as array('B'); rclpy checks lists and bytes element by element."""
    data = array("B")
    data.frombytes(np.ascontiguousarray(values).data.cast("B") if values.size else b"")
    return data
