"""What a start gives the tracker, in pixels of the frame."""

import json
from pathlib import Path

import numpy as np

from s2iammask_core.batch.copies import local
from s2iammask_core.batch.jobs import Start
from s2iammask_core.boxes import Box
from s2iammask_core.errors import TargetError
from s2iammask_core.files.labels import Scheme, check_size, read_labels
from s2iammask_core.files.segmentations import checked_runs, mask_of_runs
from s2iammask_core.tracking.track import Mask


def target_of(start: Start, size: tuple[int, int]) -> Box | Mask:
    """The box or the mask (H, W) in a frame of that size; TargetError for a mask that does not fit."""
    if start.box is not None:
        return _scaled(start.box, size) if start.percent else start.box
    mask = _run_lengths(start.mask, size) if is_run_lengths(start.mask) else _label_picture(start, size)
    if not mask.any():
        raise TargetError(f"the mask of object {start.id} has no pixel: {start.mask[:200]}")
    return mask


def is_run_lengths(mask: str) -> bool:
    return mask.startswith("{")


def _scaled(box: Box, size: tuple[int, int]) -> Box:
    x, y = size[1] / 100, size[0] / 100
    return Box(box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y)


def _label_picture(start: Start, size: tuple[int, int]) -> Mask:
    scheme = Scheme.IDS if start.value else Scheme.ONE
    with local(start.mask) as path:
        ids = read_labels(path, scheme).ids
        check_size(ids, Path(start.mask), (size[1], size[0]), start.at)
    return np.ascontiguousarray(ids == (start.value or 1))


def _run_lengths(text: str, size: tuple[int, int]) -> Mask:
    """Of compressed or plain counts."""
    try:
        runs = checked_runs(json.loads(text), size)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise TargetError(f"these are no run lengths of its mask: {text[:80]}: {error}") from error
    return mask_of_runs(runs, *size)
