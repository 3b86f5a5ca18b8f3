"""Box results of a one-pass evaluation: SEQUENCE.txt with x,y,width,height for each frame."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import ResultsError
from s2iammask_core.evaluation.results.errors import as_results
from s2iammask_core.evaluation.sequences.regions import read_boxes
from s2iammask_core.files.outputs import growing_file


def boxes_path(results: Path, name: str) -> Path:
    """The result file of a sequence."""
    return results / f"{name}.txt"


def write_boxes(path: Path, boxes: Iterable[list[float]]) -> None:
    """Writes each x y width height as it comes."""
    with growing_file(path) as file:
        for box in boxes:
            file.write(",".join(f"{value:.4f}" for value in box) + "\n")


def read_results(results: Path, name: str, frames: int) -> NDArray[np.float64]:
    """The boxes (N, 4) of so many frames; ResultsError if the file is missing, broken or truncated."""
    path = boxes_path(results, name)
    if not path.is_file():
        raise ResultsError(f"no results for sequence {name}: there is no {path}")
    with as_results():
        boxes = read_boxes(path)
    if len(boxes) != frames:
        raise ResultsError(
            f"{path} has {len(boxes)} lines, but the sequence has {frames} frames; is it truncated?"
        )
    if not np.isfinite(boxes).all():
        raise ResultsError(f"{path} has a box that is not finite")
    return boxes
