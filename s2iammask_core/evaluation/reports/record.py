"""What every benchmark's score is turned into, so that tables, plots and pages are made in one way."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one sequence, or of one object of it."""

    name: str
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class RunRow:
    """The figures of one run through a sequence."""

    sequence: str
    start: int  # frame
    direction: str
    figures: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A line to plot."""

    title: str
    x_label: str
    y_label: str
    x: Floats
    y: Floats
    legend: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """A measure over the frames of a sequence; from it the worst moments are chosen."""

    sequence: str
    label: str  # what is measured, and of which object
    frames: NDArray[np.int64]  # (N,) indices
    values: Floats  # (N,), higher is better; NaN where nothing was measured


@dataclass(frozen=True, slots=True)
class Report:
    """A tracker's score on a data set."""

    dataset: str
    figures: dict[str, float]  # what counts, by the names that scripts know
    rows: tuple[Row, ...]
    curves: tuple[Curve, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    notes: tuple[str, ...] = field(default=())  # what a reader must know to compare the figures
    errors: dict[str, float] = field(default_factory=dict)  # standard errors of the figures
    gains: dict[str, float] = field(default_factory=dict)  # on other results of the same runs
    gain_errors: dict[str, float] = field(default_factory=dict)
    runs: tuple[RunRow, ...] = ()  # where a sequence has several
