"""Quantiles of a figure over all runs, where a mean would hide the few that matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.evaluation.repeated import RESAMPLES, SEED, Estimate, Floats, RunScore


@dataclass(frozen=True, slots=True)
class Quantile:
    """What it is called, of which figure it is, and the share of the runs that do not exceed it."""

    name: str
    figure: str
    share: float  # in (0, 1]; 0.5 is the median


def quantiles(scores: Sequence[RunScore], wanted: Sequence[Quantile]) -> dict[str, Estimate]:
    """Each by its name. The error is that of other sequences; runs without the figure (NaN) do not count."""
    return {each.name: _quantile(scores, each) for each in wanted}


def _quantile(scores: Sequence[RunScore], wanted: Quantile) -> Estimate:
    known = sorted(
        (value, each.start.sequence) for each in scores if np.isfinite(value := each.figures[wanted.figure])
    )
    if not known:
        return Estimate(nan, nan)
    values = np.array([value for value, _ in known])
    names, sequence = np.unique([name for _, name in known], return_inverse=True)
    value = float(_weighted(values, np.ones((1, len(values))), wanted.share)[0])
    if len(names) < 2:
        return Estimate(value, nan)
    drawn = np.random.default_rng(SEED).multinomial(len(names), [1 / len(names)] * len(names), RESAMPLES)
    return Estimate(value, float(_weighted(values, drawn[:, sequence], wanted.share).std()))


def _weighted(values: Floats, weights: NDArray[np.generic], share: float) -> Floats:
    """Of rising values (M,) the first whose weights (R, M) reach the share of all, for each row."""
    reached = weights.cumsum(axis=1)
    return np.asarray(values[(reached >= share * reached[:, -1:]).argmax(axis=1)])
