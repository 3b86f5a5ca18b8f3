"""Bytes for messages in the one form that rclpy takes without looking at each of them."""

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray


def byte_array(values: NDArray[Any]) -> "array[int]":
    """The bytes of an array in row order, as array('B'); rclpy checks lists and bytes element by element."""
    data = array("B")
    fill(data, values)
    return data


def fill(field: "array[int]", values: NDArray[Any]) -> None:
    """Puts the bytes of an array in row order into a message's field that is empty yet.

    That copies them once; the constructor of a message copies what it is given twice more.
    """
    if values.size:
        field.frombytes(np.ascontiguousarray(values).data.cast("B"))


def fill_with_zeros(field: "array[int]", height: int, width: int) -> NDArray[np.uint8]:
    """Gives a message's field that is empty yet that many bytes; (H, W) view of them, to draw into.

    In place: setting the field may copy them.
    """
    field.frombytes(bytes(width))
    field *= height
    return np.frombuffer(field, np.uint8).reshape(height, width)
