"""Result files that cannot be read are the results' fault, not that of the data set."""

from collections.abc import Iterator
from contextlib import contextmanager

from s2iammask_core.errors import DatasetError, ResultsError


@contextmanager
def as_results() -> Iterator[None]:
    """What a reader finds wrong in the block is a ResultsError."""
    try:
        yield
    except DatasetError as error:
        raise ResultsError(str(error)) from error
