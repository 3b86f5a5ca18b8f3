"""Panels of RViz and Foxglove, drawn from messages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from visualization_msgs.msg import Marker

from demo.layouts import Panel, View
from s2iammask_ros.images.encodings import image_to_rgb

Heard = Mapping[str, Sequence[tuple[float, Any]]]  # by topic: seconds, message
SIZE = (1490, 960)  # pixels
FOOT = 0.04  # share of the height, for the line that says what this is
HEAD = 0.022  # the same for a panel's title
GAP = 0.003
BACK, PANEL, INK, LINE = "#16181d", "#24272e", "#e4e6ea", "#7a7f8a"
LEVELS = {
    DiagnosticStatus.OK: ("OK", "#4cc38a"),
    DiagnosticStatus.WARN: ("WARN", "#f1a10d"),
    DiagnosticStatus.ERROR: ("ERROR", "#ff6369"),
    DiagnosticStatus.STALE: ("STALE", LINE),
}
CURVES = ("#52a8ff", "#f1a10d", "#4cc38a")
NEAR = 0.1  # metres before the eye that are not seen


def window(panels: Sequence[Panel], heard: Heard, foot: str) -> NDArray[np.uint8]:
    """The whole window, (H, W, 3) RGB; foot is written below it."""
    figure = Figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100, facecolor=BACK)
    canvas = FigureCanvasAgg(figure)
    figure.text(0.5, FOOT / 2, foot, color=INK, size=11, ha="center", va="center")
    for panel in panels:
        axes = _axes(figure, panel)
        DRAW[panel.kind](axes, panel, heard)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _axes(figure: Figure, panel: Panel) -> Axes:
    place, high = panel.place, 1 - FOOT
    left, width = place.left + GAP, place.width - 2 * GAP
    bottom, height = FOOT + high * (1 - place.top - place.height) + GAP, high * place.height - 2 * GAP
    figure.add_artist(Rectangle((left, bottom), width, height, color=PANEL, zorder=-1))
    top = bottom + height - HEAD / 2
    figure.text(left + 0.005, top, panel.title, color=INK, size=10, va="center", weight="bold")
    axes = figure.add_axes((left, bottom, width, height - HEAD))
    axes.set_facecolor(PANEL)
    axes.axis("off")
    return axes


def draw_image(axes: Axes, panel: Panel, heard: Heard) -> None:
    axes.imshow(image_to_rgb(heard[panel.values[0]][-1][1]))


def draw_displays(axes: Axes, panel: Panel, heard: Heard) -> None:
    lines = [line for text in panel.values for line in text.split("\n") if line]
    for row, line in enumerate(lines):
        _write(axes, row, line, LINE if line.startswith(" ") else INK)


def draw_diagnostics(axes: Axes, panel: Panel, heard: Heard) -> None:
    latest = {status.name: status for _, array in heard[panel.values[0]] for status in array.status}
    for row, status in enumerate(latest.values()):
        level, colour = LEVELS[status.level]
        _write(axes, 2 * row, f"{level}   {status.hardware_id}: {status.name}", colour)
        _write(axes, 2 * row + 1, f"         {status.message}", INK)


def draw_message(axes: Axes, panel: Panel, heard: Heard) -> None:
    for row, line in enumerate(_fields(heard[panel.values[0]][-1][1])):
        _write(axes, row, line, INK)


def _fields(message: Any, indent: str = "") -> list[str]:
    lines = []
    for name in message.get_fields_and_field_types():
        value = getattr(message, name)
        if hasattr(value, "get_fields_and_field_types"):
            lines += [f"{indent}{name}:", *_fields(value, indent + "    ")]
        else:
            lines.append(f"{indent}{name}: {value!r}")
    return lines


def _write(axes: Axes, row: int, text: str, colour: str) -> None:
    axes.annotate(text, (0, 1), (12, -10 - 15 * row), xycoords="axes fraction", color=colour, size=9.5,
                  textcoords="offset points", va="center", annotation_clip=True)  # fmt: skip


def draw_plot(axes: Axes, panel: Panel, heard: Heard) -> None:
    axes.axis("on")
    axes.set_position(_inset(axes.get_position().bounds))
    for value, colour in zip(panel.values, CURVES, strict=False):
        topic, _, field = value.partition(".")
        points = [(seconds, getattr(message, field)) for seconds, message in heard[topic]]
        times, heights = np.array(points, dtype=float).T
        axes.plot(times - times[0], heights, color=colour, label=f"{value}  {heights[-1]:.3g}", marker=".")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds", color=LINE)
    axes.tick_params(colors=LINE, labelsize=9)
    axes.grid(color="#3a3e47", linewidth=0.6)
    axes.legend(facecolor=PANEL, labelcolor=INK, fontsize=9, loc="best")


def _inset(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, bottom, width, height = bounds
    return left + 0.03, bottom + 0.045, width - 0.04, height - 0.055


def draw_space(axes: Axes, panel: Panel, heard: Heard) -> None:
    """Line strips and texts, which is what markers without depth are made of, on the view's grid."""
    if panel.view is None:
        return
    _, _, width, height = axes.get_window_extent().bounds
    axes.set_xlim(-width / height, width / height)
    axes.set_ylim(-1, 1)
    for line in panel.view.grid:
        _draw_line(axes, panel.view, np.linspace(*line, 50), ("#a0a0a4", 0.5))
    _draw_frame(axes, panel.view)
    markers = [each for topic in panel.values for each in heard[topic][-1][1].markers]
    for marker in markers:
        colour = (marker.color.r, marker.color.g, marker.color.b)
        if marker.type == Marker.LINE_STRIP and marker.action == Marker.ADD:
            points = np.array([(point.x, point.y, point.z) for point in marker.points])
            _draw_line(axes, panel.view, points, (colour, 2.0))
        elif marker.type == Marker.TEXT_VIEW_FACING and marker.action == Marker.ADD:
            place = marker.pose.position
            x, y = _project(panel.view, np.array([[place.x, place.y, place.z]]))[0]
            axes.text(x, y, marker.text, color=colour, size=10, ha="center", va="center")


def _draw_frame(axes: Axes, view: View) -> None:
    """The optical frame at the camera: x red, y green, z blue."""
    for axis, colour in zip(np.eye(3) * view.axes, ("#ff5050", "#50d050", "#5080ff"), strict=True):
        _draw_line(axes, view, np.array([np.zeros(3), axis]), (colour, 2.0))


def _draw_line(axes: Axes, view: View, points: NDArray[np.float64], style: tuple[Any, float]) -> None:
    colour, width = style
    axes.plot(*_project(view, points).T, color=colour, linewidth=width, clip_on=True)


def _project(view: View, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (N, 3) on the screen, (N, 2), y up from -1 to 1; NaN behind the eye."""
    forward = view.focus - view.eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(right, forward), forward])
    x, y, depth = axes @ (points - view.eye).T
    depth = np.where(depth > NEAR, depth, np.nan) * np.tan(np.radians(view.field / 2))
    return np.stack([x / depth, y / depth], axis=-1)


DRAW: dict[str, Callable[[Axes, Panel, Heard], None]] = {
    "image": draw_image,
    "displays": draw_displays,
    "diagnostics": draw_diagnostics,
    "message": draw_message,
    "plot": draw_plot,
    "space": draw_space,
}
