"""Batches of pairs, and how long each took to load: what tells whether loading keeps up with training."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from torch.utils.data import Dataset, default_collate

from s2iammask_core.data.pairs import Pair


class Loaded(NamedTuple):
    """A batch as the process that loaded it hands it over."""

    pairs: Pair  # of N pairs
    seconds: float  # that this one process took


class Batches(Dataset[Loaded]):
    """Batches of a list of pairs; the index of a batch is the list of its pairs' indices."""

    def __init__(self, pairs: Dataset[Pair]) -> None:
        self._pairs = pairs

    def __getitem__(self, indices: Sequence[int]) -> Loaded:
        start = time.perf_counter()
        pairs = Pair(*default_collate([self._pairs[index] for index in indices]))
        return Loaded(pairs, time.perf_counter() - start)
