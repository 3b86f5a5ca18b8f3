"""OTB sequences: a folder each with img/ and groundtruth_rect.txt, or one such file for each target."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.sequences.frames import Frames, ImageFiles, every_nth, images_in
from s2iammask_core.evaluation.sequences.lists import listed_names
from s2iammask_core.evaluation.sequences.regions import check_start, read_boxes
from s2iammask_core.files.digests import Digest
from s2iammask_core.files.names import in_order
from s2iammask_core.files.texts import read_text

# The number of the frame that the first row belongs to, where it is not 1.
FIRST_FRAMES = {"David": 300, "BlurCar1": 247, "BlurCar3": 3, "BlurCar4": 18}
FIRST_PIXEL = 1  # what OTB calls the image's first column and row
TRUTH_FILES = re.compile(r"groundtruth_rect(?:\.(\d+))?\.txt")


@dataclass(frozen=True, slots=True, eq=False)
class BoxSequence:
    """A sequence of N frames with one target."""

    name: str
    frames: Frames
    boxes: NDArray[
        np.float64
    ]  # (N, 4) x y width height in the file's numbers; (1, 4): only the first is known
    first_pixel: int  # what the benchmark calls the first column and row

    @property
    def digest(self) -> str:
        """Changes with the frames and the boxes."""
        digest = Digest()
        self.frames.trace(digest)
        digest.add(self.first_pixel, self.boxes.tobytes())
        return digest.text

    def thinned(self, step: int) -> "BoxSequence":
        """Every step-th frame."""
        return replace(self, frames=every_nth(self.frames, step), boxes=self.boxes[::step])


def read_otb(root: Path) -> tuple[BoxSequence, ...]:
    """All targets of all sequences; Jogging's two are Jogging.1 and .2. list.txt may name the folders."""
    names = listed_names(root, "list.txt", marker="groundtruth_rect*.txt")
    return tuple(sequence for name in names for sequence in otb_folder(root / name))


def otb_folder(folder: Path) -> list[BoxSequence]:
    """The targets of one folder."""
    images = images_in(folder / "img")
    sequences = []
    for path in in_order(folder.glob("groundtruth_rect*.txt")):
        found = TRUTH_FILES.fullmatch(path.name)
        if found and read_text(path).strip():  # some copies have an empty file beside the numbered ones
            name = folder.name if found[1] is None else f"{folder.name}.{found[1]}"
            boxes = read_boxes(path)
            check_start(boxes, path)
            sequences.append(BoxSequence(name, _annotated(images, folder, len(boxes)), boxes, FIRST_PIXEL))
    if not sequences:
        raise DatasetError(f"there is no groundtruth_rect.txt in {folder}")
    return sequences


def _annotated(images: ImageFiles, folder: Path, count: int) -> ImageFiles:
    """The images that the rows of the ground truth belong to."""
    if len(images) < count:
        raise DatasetError(f"{folder}: {len(images)} frames, but {count} boxes")
    if len(images) == count:
        return images
    first = FIRST_FRAMES.get(folder.name, 1)
    numbers = [int(path.stem) if path.stem.isdecimal() else -1 for path in images.paths]
    begin = numbers.index(first) if first in numbers else 0
    if begin + count > len(images):
        raise DatasetError(
            f"{folder}: {count} boxes from frame {first} on, but only {len(images) - begin} frames"
        )
    return ImageFiles(images.paths[begin : begin + count])
