"""Box sequences of several benchmarks side by side, each in the format of its own."""

from pathlib import Path

import numpy as np

from s2iammask_core.evaluation.sequences.lists import listed_names
from s2iammask_core.evaluation.sequences.otb import BoxSequence, otb_folder
from s2iammask_core.evaluation.sequences.regions import check_start
from s2iammask_core.evaluation.sequences.vot import VotSequence, vot_folder


def read_box_sequences(root: Path) -> tuple[BoxSequence, ...]:
    """All targets of all folders of VOT (groundtruth.txt) and OTB (groundtruth_rect.txt, or one such file for
    each target). list.txt may name the folders.
    """
    names = listed_names(root, "list.txt", marker="groundtruth*.txt")
    return tuple(sequence for name in names for sequence in _from_folder(root / name))


def _from_folder(folder: Path) -> list[BoxSequence]:
    if (folder / "groundtruth.txt").is_file():
        return [upright(vot_folder(folder))]
    return otb_folder(folder)


def upright(sequence: VotSequence) -> BoxSequence:
    """With the upright boxes around the pixels that VOT's regions cover; NaN where the object is absent."""
    low, high = sequence.truth.regions.min(axis=1), sequence.truth.regions.max(axis=1)  # each (N, 2)
    boxes = np.concatenate([low, high - low + 1], axis=1).astype(np.float64)
    check_start(boxes, f"sequence {sequence.name}")
    return BoxSequence(sequence.name, sequence.frames, boxes, first_pixel=0)
