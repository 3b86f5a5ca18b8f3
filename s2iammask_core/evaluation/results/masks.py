"""Mask results: SEQUENCE/FRAME.png, palette pictures whose indices are object ids; and a zip for servers."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from s2iammask_core.errors import ResultsError
from s2iammask_core.evaluation.results.errors import as_results
from s2iammask_core.evaluation.sequences.masks import Labels, MaskSequence
from s2iammask_core.files.labels import Scheme, read_labels, write_palette_labels
from s2iammask_core.files.names import in_order
from s2iammask_core.files.outputs import growing_bytes, growing_folder


def write_masks(folder: Path, masks: Iterable[tuple[str, Labels]]) -> None:
    """Writes each frame's name and label picture as it comes."""
    with growing_folder(folder) as part:
        for name, ids in masks:
            write_palette_labels(part / f"{name}.png", ids)


def mask_path(results: Path, sequence: MaskSequence, index: int) -> Path:
    """Where a frame's mask lies."""
    return results / sequence.name / f"{sequence.frames.name(index)}.png"


def read_answer(results: Path, sequence: MaskSequence, index: int, shape: tuple[int, ...]) -> Labels:
    """The answer (H, W) for a frame.

    ResultsError if it is missing, broken, of another size than the truth, or has ids that nobody knows.
    """
    path = mask_path(results, sequence, index)
    if not (results / sequence.name).is_dir():
        raise ResultsError(
            f"no results for sequence {sequence.name}: there is no folder {results / sequence.name}"
        )
    ids = _answered(path, sequence)
    if ids.shape != shape:
        (height, width), (true_height, true_width) = ids.shape, shape
        raise ResultsError(f"{path} is {width}x{height}, but the ground truth is {true_width}x{true_height}")
    return ids


def _answered(path: Path, sequence: MaskSequence) -> Labels:
    """The ids of a picture; that of the only object may be saved as 255."""
    known = [each.object_id for each in sequence.objects]
    with as_results():
        labels = read_labels(path, sequence.scheme)
    if sequence.scheme is Scheme.ONE:
        return (labels.ids * known[0]).astype(np.uint8)
    if labels.void.any() and (len(known) > 1 or labels.objects):
        raise ResultsError(f"{path} has the value 255, which is no object of sequence {sequence.name}")
    strange = set(labels.objects) - set(known)
    if strange:
        names = ", ".join(map(str, known))
        raise ResultsError(f"{path} has object {min(strange)}, but sequence {sequence.name} has only {names}")
    return np.where(labels.void, known[0], labels.ids).astype(np.uint8)


def zip_masks(results: Path, names: Iterable[str], target: Path) -> None:
    """Packs the folders of these sequences for submission; the names inside begin with results' own name."""
    # PNG does not get smaller
    with growing_bytes(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            for path in in_order((results / name).glob("*.png")):
                archive.write(path, path.relative_to(results.parent))
