"""Batches of pairs, and how long each took to load: what tells whether loading keeps up with training."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from torch.utils.data import Dataset, default_collate

from s2iammask_core.data.pairs import Pair
from s2iammask_core.errors import DatasetError


class Loaded(NamedTuple):
    """A batch as the process that loaded it hands it over."""

    pairs: Pair  # of N pairs
    seconds: float  # that this one process took


class Batches(Dataset[Loaded | DatasetError]):
    """Batches of a list of pairs; the index of a batch is the list of its pairs' indices.

    A file that is missing or broken comes back as an error to raise: raised in another process, its message
    would be buried in a traceback.
    """

    def __init__(self, pairs: Dataset[Pair]) -> None:
        self._pairs = pairs

    def __getitem__(self, indices: Sequence[int]) -> Loaded | DatasetError:
        start = time.perf_counter()
        try:
            pairs = Pair(*default_collate([self._pairs[index] for index in indices]))
        except DatasetError as error:
            return error
        return Loaded(pairs, time.perf_counter() - start)
