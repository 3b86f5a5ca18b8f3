"""Sequences with label images: DAVIS 2016 and 2017, YouTube-VOS."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from s2iammask_core.errors import DatasetError, S2iamMaskError
from s2iammask_core.evaluation.sequences.frames import ChosenFrames, Frames, ImageFiles, images_in
from s2iammask_core.evaluation.sequences.lists import read_names

Labels = NDArray[np.uint8]  # (H, W) object ids, 0 is background; VOID in a truth

VOID = 255  # pixels that belong to nothing known; not in DAVIS 2016, where it marks the object


@dataclass(frozen=True, slots=True)
class ObjectSpan:
    """An object and the frames from its first appearance to its last, both included."""

    object_id: int
    first: int
    last: int
    category: str = ""


@dataclass(frozen=True, slots=True)
class MaskSequence:
    """A sequence of N frames with any number of objects."""

    name: str
    frames: Frames
    annotations: Mapping[int, Path] = field(repr=False)  # the label image of each annotated frame
    objects: tuple[ObjectSpan, ...]
    binary: bool  # whatever is not 0 is object 1

    def labels(self, index: int) -> Labels:
        """The label image (H, W) of an annotated frame."""
        if index not in self.annotations:
            raise DatasetError(f"sequence {self.name} has no annotation for frame {self.frames.name(index)}")
        return read_labels(self.annotations[index], self.binary)

    @property
    def has_truth(self) -> bool:
        """Whether there are annotations beyond those that objects start with; some test sets have no more."""
        return any(not self.starting(index) for index in self.annotations)

    @property
    def measured(self) -> frozenset[int]:
        """The annotated frames that lie between the first and the last frame of an object."""
        return frozenset(
            index for index in self.annotations for each in self.objects if each.first < index < each.last
        )

    def starting(self, index: int) -> tuple[ObjectSpan, ...]:
        """The objects that appear in this frame."""
        return tuple(each for each in self.objects if each.first == index)

    def thinned(self, step: int) -> "MaskSequence":
        """Every step-th frame, and those in which objects appear."""
        chosen = sorted({*range(0, len(self.frames), step), *(each.first for each in self.objects)})
        place = {index: number for number, index in enumerate(chosen)}
        objects = tuple(
            replace(
                each,
                first=place[each.first],
                last=max(number for index, number in place.items() if index <= each.last),
            )
            for each in self.objects
        )
        annotations = {place[index]: path for index, path in self.annotations.items() if index in place}
        frames = ChosenFrames(self.frames, tuple(chosen))
        return replace(self, frames=frames, annotations=annotations, objects=objects)


def read_labels(path: Path, binary: bool, error: type[S2iamMaskError] = DatasetError) -> Labels:
    """A label image (H, W): the palette's indices, or the grey values."""
    try:
        with Image.open(path) as image:
            mode, labels = image.mode, np.array(image)
    except FileNotFoundError as problem:
        raise error(f"there is no mask {path}") from problem
    except (OSError, UnidentifiedImageError, SyntaxError) as problem:
        raise error(f"cannot decode the mask {path}: {problem}") from problem
    if mode not in ("1", "L", "P"):
        raise error(f"{path} has colours ({mode}), not object ids; save masks as palette or grey images")
    if binary:
        return np.asarray(labels != 0).astype(np.uint8)
    return labels.astype(np.uint8)


def davis_names(root: Path, year: str, split: str) -> tuple[str, ...]:
    """The sequences that ImageSets lists."""
    return read_names(root / "ImageSets" / year / f"{split}.txt")


def read_davis(root: Path, year: str, names: Iterable[str]) -> tuple[MaskSequence, ...]:
    """Sequences at 480p; in the year 2016 all objects of a sequence are one."""
    return tuple(_davis_sequence(root, name, binary=year == "2016") for name in names)


def _davis_sequence(root: Path, name: str, binary: bool) -> MaskSequence:
    frames = images_in(root / "JPEGImages" / "480p" / name)
    annotations = _annotations(root / "Annotations" / "480p" / name, frames)
    if 0 not in annotations:
        raise DatasetError(f"sequence {name} has no annotation for its first frame, {frames.name(0)}")
    ids = np.unique(read_labels(annotations[0], binary))
    objects = tuple(ObjectSpan(int(each), 0, len(frames) - 1) for each in ids if each not in (0, VOID))
    if not objects:
        raise DatasetError(f"the first annotation of sequence {name} has no object")
    return MaskSequence(name, frames, annotations, objects, binary)


def _annotations(folder: Path, frames: Frames) -> dict[int, Path]:
    paths = {path.stem: path for path in folder.glob("*.png")}
    return {index: paths[frames.name(index)] for index in range(len(frames)) if frames.name(index) in paths}


def read_youtube_vos(root: Path) -> tuple[MaskSequence, ...]:
    """The sequences of a folder with JPEGImages, Annotations and meta.json, such as `valid`.

    Frames outside those that meta.json lists for the objects are left out.
    """
    try:
        videos = json.loads((root / "meta.json").read_text())["videos"]
        return tuple(_youtube_sequence(root, name, videos[name]["objects"]) for name in sorted(videos))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"cannot read {root / 'meta.json'}: missing or broken {error}") from error


def _youtube_sequence(root: Path, name: str, objects: Mapping[str, Any]) -> MaskSequence:
    folder = root / "JPEGImages" / name
    wanted = sorted({frame for each in objects.values() for frame in each["frames"]})
    frames = ImageFiles(tuple(folder / f"{frame}.jpg" for frame in wanted))
    missing = [path.name for path in frames.paths if not path.is_file()]
    if missing:
        raise DatasetError(f"{folder} lacks {len(missing)} of its frames, the first is {missing[0]}")
    spans = tuple(_span(int(object_id), each, wanted) for object_id, each in sorted(objects.items()))
    annotations = _annotations(root / "Annotations" / name, frames)
    for each in spans:
        if each.first not in annotations:
            raise DatasetError(
                f"sequence {name}: object {each.object_id} has no annotation in its first frame"
            )
    return MaskSequence(name, frames, annotations, spans, binary=False)


def _span(object_id: int, record: Mapping[str, Any], frames: list[str]) -> ObjectSpan:
    own = sorted(record["frames"])
    return ObjectSpan(object_id, frames.index(own[0]), frames.index(own[-1]), str(record.get("category", "")))
