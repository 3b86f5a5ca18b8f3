"""The truth of a replay: label pictures in the order of the images, checked before anything is tracked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.davis import region_similarity
from s2iammask_core.files.labels import Labels, Scheme, check_size, read_truth_labels, scheme_of
from s2iammask_core.files.names import picture_files
from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_core.tracking.track import MaskRegion

Masks = Mapping[str, MaskRegion]  # by the id of the object; one that is stopped has none


@dataclass(frozen=True, slots=True)
class Shown:
    """Images in which an object was to be tracked: from `first`, in which it was given, to before `until`."""

    name: str
    first: int
    until: int


@dataclass(frozen=True, slots=True)
class Truth:
    """A label picture for each image of the bag."""

    files: tuple[Path, ...]
    scheme: Scheme

    def overlaps(
        self, found: Sequence[Masks | None], shown: Sequence[Shown], values: Mapping[str, int]
    ) -> list[float | None]:
        """The mean overlap of each object in images that could be read; None if it was in none.

        Not in the images in which it was started: there its place was given.
        values: of the objects in the pictures, by id.
        """
        sums = {name: list[float]() for name in values}
        for number, (path, masks) in enumerate(zip(self.files, found, strict=True)):
            here = [each.name for each in shown if each.first < number < each.until]
            if masks is None or not here:
                continue
            labels = read_truth_labels(path, self.scheme)
            for name in here:
                sums[name].append(_overlap(labels, values[name], masks.get(name, NO_MASK)))
        return [float(np.mean(each)) if each else None for each in sums.values()]


def read_truth(folder: Path, images: int, size: tuple[int, int], objects: int) -> Truth:
    """DatasetError unless there is a picture of that width and height for each of the images.

    objects: how many boxes the truth is about.
    """
    files = tuple(path for path in picture_files(folder) if path.suffix.lower() == ".png")
    if not files:
        raise DatasetError(f"the folder {folder} holds no .png pictures")
    if len(files) != images:
        raise DatasetError(f"the bag has {images} images, the truth in {folder} {len(files)} pictures")
    scheme = scheme_of(files[0], objects)
    for path in files:  # all of each: what is cut or of another kind is found before the work, not after it
        check_size(read_truth_labels(path, scheme).ids, path, size, "in the bag")
    return Truth(files, scheme)


def _overlap(truth: Labels, number: int, mask: MaskRegion) -> float:
    true: NDArray[np.bool_] = truth.ids == number
    return region_similarity(true, mask.full(*true.shape) & ~truth.void)
