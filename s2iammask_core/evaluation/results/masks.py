"""Mask results: SEQUENCE/FRAME.png, palette images whose indices are object ids; and a zip for servers."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from s2iammask_core.errors import ResultsError
from s2iammask_core.evaluation.results.parts import growing_folder
from s2iammask_core.evaluation.sequences.masks import VOID, Labels, MaskSequence, read_labels


def davis_palette() -> list[int]:
    """The 256 colours, flattened, of DAVIS and YouTube-VOS: the id's bits spread over red, green and blue."""
    ids = np.arange(256)
    colors = np.zeros((256, 3), np.int64)
    for shift in range(8):
        for channel in range(3):
            colors[:, channel] |= (ids >> (3 * shift + channel) & 1) << (7 - shift)
    return [int(value) for value in colors.ravel()]


_PALETTE = davis_palette()


def write_masks(folder: Path, masks: Iterable[tuple[str, Labels]]) -> None:
    """Writes each frame's name and label image as it comes."""
    with growing_folder(folder) as part:
        for name, labels in masks:
            save_labels(part / f"{name}.png", labels)


def save_labels(path: Path, labels: Labels) -> None:
    """A palette image of a label image (H, W)."""
    image = Image.fromarray(labels)
    image.putpalette(_PALETTE)
    image.save(path)


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
    labels = read_labels(path, sequence.binary, ResultsError)
    labels[labels == VOID] = 0
    if labels.shape != shape:
        (height, width), (true_height, true_width) = labels.shape, shape
        raise ResultsError(f"{path} is {width}x{height}, but the ground truth is {true_width}x{true_height}")
    ids = [each.object_id for each in sequence.objects]
    strange = set(np.flatnonzero(np.bincount(labels.ravel())).tolist()) - {0, *ids}
    if strange:
        known = ", ".join(map(str, ids))
        raise ResultsError(f"{path} has object {min(strange)}, but sequence {sequence.name} has only {known}")
    return labels


def zip_masks(results: Path, names: Iterable[str], target: Path) -> None:
    """Packs the folders of these sequences for submission; the names inside begin with results' own name."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # PNG does not get smaller
        for name in names:
            for path in sorted((results / name).glob("*.png")):
                archive.write(path, path.relative_to(results.parent))
