"""Curves as PNG pictures; needs matplotlib."""

import io
import re
from collections.abc import Iterable
from itertools import groupby

import numpy as np

from s2iammask_core.errors import UnavailableError
from s2iammask_core.evaluation.reports.record import Curve


def plots(curves: Iterable[Curve]) -> dict[str, bytes]:
    """A PNG for each title, by file name; curves of the same title share one picture."""
    ordered = sorted(curves, key=lambda curve: curve.title)
    return {
        file_name(title): _picture(list(group)) for title, group in groupby(ordered, lambda each: each.title)
    }


def file_name(title: str) -> str:
    """The title in letters that every file system takes."""
    return re.sub(r"[^a-z0-9.-]+", "-", title.lower()).strip("-") + ".png"


def _picture(curves: list[Curve]) -> bytes:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UnavailableError("plots need matplotlib: pip install matplotlib") from error
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for curve in curves:
        axes.plot(curve.x, curve.y, label=curve.legend, linewidth=1.8)
    axes.set(title=curves[0].title, xlabel=curves[0].x_label, ylabel=curves[0].y_label)
    axes.set_ylim(0, max(1.02, *(float(np.nanmax(curve.y)) for curve in curves)))
    axes.margins(x=0)
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend(frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()
