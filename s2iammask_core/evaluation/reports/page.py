"""A page to look at: figures, plots, and the worst moments of each sequence. One file, pictures included."""

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2

from s2iammask_core.evaluation.reports.plots import file_name
from s2iammask_core.evaluation.reports.record import Report
from s2iammask_core.evaluation.reports.tables import Table, figures_table, rows_table, runs_table, shown
from s2iammask_core.geometry import HostFrame

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1280px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
tbody tr:hover { background: #8882; }
.plots, .figures { display: flex; flex-wrap: wrap; gap: .8rem; }
.moments { display: grid; grid-template-columns: repeat(4, 1fr); gap: .8rem; }
.figures div { border: 1px solid #8886; border-radius: .5rem; padding: .4rem .9rem; font-size: 13px; }
.figures b { display: block; font-size: 20px; }
.plots img { max-width: 100%; width: 520px; }
figure { margin: 0; } figcaption { font-size: 13px; opacity: .8; }
.moments img { width: 100%; display: block; }
h3 { margin: 1.4rem 0 .4rem; } .scroll { overflow-x: auto; }
.truth { color: #1a9c3c; } .answer { color: #d6008f; }
dl { display: grid; grid-template-columns: max-content auto; gap: 0 1rem; font-size: 13px; } dd { margin: 0; }
""".strip()


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A picture of one frame, and what is to be said below it."""

    picture: HostFrame
    caption: str


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What goes onto the page."""

    title: str
    report: Report
    plots: Mapping[str, bytes]  # PNG by file name
    moments: Mapping[str, Sequence[Moment]]  # by sequence
    settings: Mapping[str, object]  # what the results were made with

    def html(self) -> str:
        parts = [
            f"<h1>{html.escape(self.title)}</h1>",
            _figures(self.report),
            _table(figures_table(self.report)) if self.report.gains else "",
            "".join(f"<p>{html.escape(note)}.</p>" for note in self.report.notes),
            "<div class='plots'>"
            + "".join(_plot(self.plots[name]) for name in self._common_plots())
            + "</div>",
            "<h2>Sequences</h2>",
            _table(rows_table(self.report)),
            *(["<h2>Runs</h2>", _table(runs_table(self.report))] if self.report.runs else []),
            *self._sequences(),
            _settings(self.settings),
        ]
        head = f"<meta charset='utf-8'><title>{html.escape(self.title)}</title><style>{STYLE}</style>"
        return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>\n"

    def _common_plots(self) -> list[str]:
        """Those that are not of a single sequence."""
        own = {file_name(name) for name in self.moments}
        return [name for name in self.plots if name not in own]

    def _sequences(self) -> Iterable[str]:
        if not self.moments:
            return
        yield "<h2>Worst moments</h2><p>The <b class='truth'>truth is green</b>, "
        yield "the <b class='answer'>answer magenta</b>.</p>"
        for name, moments in self.moments.items():
            plot = self.plots.get(file_name(name))
            pictures = [] if plot is None else [_plot(plot)]
            pictures += [_figure(moment) for moment in moments]
            yield f"<h3>{html.escape(name)}</h3><div class='moments'>{''.join(pictures)}</div>"


def _figures(report: Report) -> str:
    errors = {name: f" &plusmn; {shown(error)}" for name, error in report.errors.items()}
    cards = (
        f"<div>{html.escape(name)}<b>{shown(value)}{errors.get(name, '')}</b></div>"
        for name, value in report.figures.items()
    )
    return f"<div class='figures'>{''.join(cards)}</div>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in table.cells)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _plot(png: bytes) -> str:
    return f"<img alt='plot' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"


def _figure(moment: Moment) -> str:
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(moment.picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80]
    )
    source = f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"
    caption = html.escape(moment.caption)
    return f"<figure><img alt='{caption}' src='{source}'><figcaption>{caption}</figcaption></figure>"


def _settings(settings: Mapping[str, object]) -> str:
    if not settings:
        return ""
    pairs = [(html.escape(name), html.escape(str(value))) for name, value in settings.items()]
    return (
        "<h2>Settings</h2><dl>"
        + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in pairs)
        + "</dl>"
    )
