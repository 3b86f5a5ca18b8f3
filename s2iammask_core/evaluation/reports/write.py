"""Writes all forms of a report into one folder."""

import json
from collections import defaultdict
from pathlib import Path

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.reports.page import Moment, Page
from s2iammask_core.evaluation.reports.pictures import worst_frames
from s2iammask_core.evaluation.reports.plots import plots
from s2iammask_core.evaluation.reports.record import Report
from s2iammask_core.evaluation.reports.tables import (
    as_csv,
    as_markdown,
    as_object,
    figures_table,
    rows_table,
    runs_table,
)
from s2iammask_core.evaluation.results.record import read_record
from s2iammask_core.files.outputs import write_bytes, write_text

MOMENTS = 3  # worst moments of a sequence
PICTURE_WIDTH = 480  # pixels


def write_report(folder: Path, report: Report, benchmark: Benchmark, results: Path) -> Path:
    """Writes report.html, report.md, sequences.csv, report.json and plots/*.png; returns the page's path."""
    drawn = plots(report.curves)
    for name, png in drawn.items():
        write_bytes(folder / "plots" / name, png)
    write_text(folder / "report.json", json.dumps(as_object(report), indent=2) + "\n")
    write_text(folder / "report.md", _markdown(report))
    write_text(folder / "sequences.csv", as_csv(rows_table(report)))
    title = f"{results.name} on {report.dataset}"
    page = Page(title, report, drawn, _moments(report, benchmark, results), read_record(results))
    write_text(folder / "report.html", page.html())
    return folder / "report.html"


def _markdown(report: Report) -> str:
    notes = "\n".join(f"* {note}" for note in report.notes)
    runs = [as_markdown(runs_table(report))] if report.runs else []
    rows = as_markdown(rows_table(report))
    return "\n\n".join([as_markdown(figures_table(report)), notes, rows, *runs]) + "\n"


def _moments(report: Report, benchmark: Benchmark, results: Path) -> dict[str, list[Moment]]:
    """The worst moments of each sequence; none where the frames are not at hand."""
    moments: defaultdict[str, list[Moment]] = defaultdict(list)
    for timeline in report.timelines:
        for frame, value in worst_frames(timeline, MOMENTS):
            try:
                drawing = benchmark.drawing(timeline.sequence, frame, results)
            except DatasetError:  # the truth alone is enough to score
                return dict(moments)
            caption = f"frame {frame}: {timeline.label} {value:.3f}"
            moments[timeline.sequence].append(Moment(drawing.picture(PICTURE_WIDTH), caption))
    return dict(moments)
