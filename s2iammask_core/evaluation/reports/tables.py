"""A report as text, Markdown or csv, and as the object that scripts read."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from s2iammask_core.evaluation.reports.record import Report, Row, RunRow

Cells = tuple[str | float, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are strings or numbers; NaN stands for a figure that does not exist."""

    columns: tuple[str, ...]
    rows: tuple[Cells, ...]

    @property
    def cells(self) -> list[list[str]]:
        """The rows as they are shown."""
        return [[shown(cell) for cell in row] for row in self.rows]


def shown(cell: str | float) -> str:
    """Three decimals, none for an int, a dash for NaN."""
    if isinstance(cell, (str, int)):
        return str(cell)
    return "-" if math.isnan(cell) else f"{cell:.3f}"


def figures_table(report: Report) -> Table:
    """The figures that count, in one row; below it what is known of their errors and gains."""
    lines = {
        "standard error": report.errors,
        "gain": report.gains,
        "standard error of the gain": report.gain_errors,
    }
    rows: list[Cells] = [(report.dataset, *report.figures.values())]
    for title, values in lines.items():
        if values:
            rows.append((title, *(values.get(name, math.nan) for name in report.figures)))
    return Table(("data set", *report.figures), tuple(rows))


def rows_table(report: Report) -> Table:
    """A row for each sequence or object."""
    names = _names(report.rows)
    return Table(("sequence", *names), tuple((row.name, *_cells(row, names)) for row in report.rows))


def runs_table(report: Report) -> Table:
    """A row for each run."""
    names = _names(report.runs)
    starts: list[Cells] = [(row.sequence, row.start, row.direction) for row in report.runs]
    rows = (start + _cells(row, names) for start, row in zip(starts, report.runs, strict=True))
    return Table(("sequence", "start", "direction", *names), tuple(rows))


def _names(rows: Sequence[Row | RunRow]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.figures))


def _cells(row: Row | RunRow, names: Sequence[str]) -> tuple[float, ...]:
    return tuple(row.figures.get(name, math.nan) for name in names)


def as_text(table: Table) -> str:
    """Columns aligned with spaces: names to the left, numbers to the right."""
    lines = [list(table.columns), *table.cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.columns))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        line[0].ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
    ]
    return "  ".join(cells).rstrip()


def as_markdown(table: Table) -> str:
    rule = ["---", *["---:"] * (len(table.columns) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [table.columns, rule, *table.cells])


def as_csv(table: Table) -> str:
    """With full precision; nothing for NaN."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([[_exact(cell) for cell in row] for row in table.rows])
    return file.getvalue()


def _exact(cell: str | float) -> str:
    if isinstance(cell, str):
        return cell
    return "" if math.isnan(cell) else repr(cell)


def as_object(report: Report) -> dict[str, object]:
    """Plain values for json; null for NaN."""
    rows = [{"name": row.name, **nullable(row.figures)} for row in report.rows]
    runs = [
        {"sequence": row.sequence, "start": row.start, "direction": row.direction, **nullable(row.figures)}
        for row in report.runs
    ]
    return {
        "dataset": report.dataset,
        **nullable(all_figures(report)),
        "sequences": rows,
        **({"runs": runs} if runs else {}),
        "notes": list(report.notes),
    }


def all_figures(report: Report) -> dict[str, float]:
    """The figures, their standard errors as NAME_se, and gains as NAME_gain and NAME_gain_se."""
    parts = {"": report.figures, "_se": report.errors, "_gain": report.gains, "_gain_se": report.gain_errors}
    return {f"{name}{suffix}": value for suffix, values in parts.items() for name, value in values.items()}


def nullable(figures: Mapping[str, float]) -> dict[str, float | None]:
    """None for NaN, which json has no word for."""
    return {name: None if math.isnan(value) else value for name, value in figures.items()}
