"""VOT results: baseline/SEQUENCE/SEQUENCE_001.txt with a line for each frame.

A line is 1 where the tracker was started, 2 where it failed, 0 where the frame was skipped, else the numbers
of the region.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from s2iammask_core.boxes import Points
from s2iammask_core.errors import ResultsError
from s2iammask_core.evaluation.results.errors import as_results
from s2iammask_core.evaluation.sequences.regions import Rectangles, polygon, stacked
from s2iammask_core.evaluation.vot import Kind, Trajectory
from s2iammask_core.files.outputs import growing_file
from s2iammask_core.files.texts import read_number_rows

Answer = Kind | Points  # what one frame gives: a polygon (M, 2), or why there is none

MOST_REPETITIONS = 15


def trajectory_path(results: Path, name: str) -> Path:
    """The file of a sequence's first repetition."""
    return results / "baseline" / name / f"{name}_001.txt"


def write_trajectory(path: Path, answers: Iterable[Answer]) -> None:
    """Writes each answer as it comes."""
    with growing_file(path) as file:
        for answer in answers:
            file.write(_line(answer) + "\n")


def _line(answer: Answer) -> str:
    if isinstance(answer, Kind):
        return str(answer.value)
    return ",".join(f"{value:.4f}" for value in answer.ravel().tolist())


def read_trajectories(
    results: Path, name: str, frames: int, rectangles: Rectangles = Rectangles.TOOLKIT
) -> tuple[Trajectory, ...]:
    """All repetitions of so many frames each; ResultsError if a file is missing, broken or truncated."""
    folder = results / "baseline" / name
    if not (results / "baseline").is_dir():
        folder = results / name
    paths = sorted(folder.glob(f"{name}_[0-9][0-9][0-9].txt"))[:MOST_REPETITIONS]
    if not paths:
        raise ResultsError(f"no results for sequence {name}: there is no {folder / f'{name}_001.txt'}")
    return tuple(read_trajectory(path, frames, rectangles) for path in paths)


def read_trajectory(path: Path, frames: int, rectangles: Rectangles = Rectangles.TOOLKIT) -> Trajectory:
    """One result file of a sequence of so many frames."""
    with as_results():
        rows = read_number_rows(path)
    if len(rows) != frames:
        raise ResultsError(
            f"{path} has {len(rows)} lines, but the sequence has {frames} frames; is it truncated?"
        )
    started = next((row for row in rows if row != [Kind.SKIPPED]), [])  # skipped: the object is not there yet
    if started != [Kind.STARTED]:
        raise ResultsError(
            f"{path} does not begin with 1, the line of a start; is it a result of another protocol?"
        )
    kinds = np.full(frames, Kind.TRACKED, np.int8)
    polygons: list[Points | None] = []
    for frame, row in enumerate(rows):
        if len(row) == 1:
            kinds[frame] = _kind(row[0], path, frame)
        where = f"{path}, line {frame + 1}"
        polygons.append(None if len(row) == 1 else _polygon(_drawn(row, rectangles), where, rectangles))
    return Trajectory(kinds, stacked(polygons))


def _kind(value: float, path: Path, frame: int) -> Kind:
    if value not in (Kind.SKIPPED, Kind.STARTED, Kind.FAILED):
        raise ResultsError(f"{path}, line {frame + 1}: a single number must be 0, 1 or 2, not {value:g}")
    return Kind(int(value))


def _drawn(row: list[float], rectangles: Rectangles) -> list[float]:
    """The toolkit rounds the four numbers of a rectangle before it takes corners from them."""
    if len(row) != 4 or rectangles is not Rectangles.TOOLKIT:
        return row
    with np.errstate(over="ignore"):  # what is infinite then, is refused with its line
        return [float(value) for value in np.round(np.array(row, np.float32))]


def _polygon(row: list[float], where: str, rectangles: Rectangles) -> Points:
    with as_results():
        return polygon(row, where, rectangles)
