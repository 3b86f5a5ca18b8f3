"""Sequences with label pictures: DAVIS 2016 and 2017, YouTube-VOS."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.sequences.frames import ChosenFrames, Frames, ImageFiles, images_in
from s2iammask_core.files.davis import RESOLUTION
from s2iammask_core.files.digests import Digest
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.labels import VOID, Scheme, check_size, read_labels, read_truth_labels, scheme_of
from s2iammask_core.files.names import natural_order
from s2iammask_core.geometry import HostFrame

Labels = NDArray[np.uint8]  # (H, W) object ids, 0 is background; VOID in a truth
LAST_ID = VOID - 1  # the highest that result files can hold


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
    annotations: Mapping[int, Path] = field(repr=False)  # the label picture of each annotated frame
    objects: tuple[ObjectSpan, ...]
    scheme: Scheme

    def labels(self, index: int) -> Labels:
        """What is annotated in a frame; DatasetError if that is nothing."""
        if index not in self.annotations:
            raise DatasetError(f"sequence {self.name} has no annotation for frame {self.frames.name(index)}")
        path = self.annotations[index]
        found = read_truth_labels(path, self.scheme)
        try:
            labels = found.marked
        except DatasetError as error:
            raise DatasetError(f"{path}: {error}") from error
        return labels * np.uint8(self.objects[0].object_id) if self.scheme is Scheme.ONE else labels

    def fitting(self, index: int, frame: HostFrame) -> Labels:
        """The same of this frame (H, W, 3); DatasetError if the annotation has another size."""
        labels = self.labels(index)
        size = frame.shape[1], frame.shape[0]
        check_size(labels, self.annotations[index], size, self.frames.name(index))
        return labels

    def given(self, index: int, frame: HostFrame) -> Labels:
        """The same where objects begin; DatasetError if one of them is not to be seen."""
        labels = self.fitting(index, frame)
        absent = {each.object_id for each in self.starting(index)} - set(np.unique(labels).tolist())
        if absent:
            raise DatasetError(
                f"{self.annotations[index]} has no pixel of object {min(absent)}, which begins in this frame"
            )
        return labels

    @property
    def digest(self) -> str:
        """Changes with the frames, the annotations and the objects."""
        digest = Digest()
        self.frames.trace(digest)
        digest.add(self.scheme, self.objects)
        for index, path in sorted(self.annotations.items()):
            digest.add(index)
            digest.content(path)
        return digest.text

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

    def kept(self, step: int) -> list[int]:
        """Every step-th frame, and those in which objects appear."""
        return sorted({*range(0, len(self.frames), step), *(each.first for each in self.objects)})

    def thinned(self, step: int) -> "MaskSequence":
        """The sequence of these frames."""
        chosen = self.kept(step)
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


def read_davis(root: Path, year: str, names: Iterable[str]) -> tuple[MaskSequence, ...]:
    """Sequences at 480p; in the year 2016 all objects of a sequence are one."""
    return tuple(_davis_sequence(root, name, one=year == "2016") for name in names)


def _davis_sequence(root: Path, name: str, one: bool) -> MaskSequence:
    frames = images_in(root / "JPEGImages" / RESOLUTION / name)
    annotations = _annotations(root / "Annotations" / RESOLUTION / name, frames)
    if 0 not in annotations:
        raise DatasetError(f"sequence {name} has no annotation for its first frame, {frames.name(0)}")
    scheme = Scheme.ONE if one else scheme_of(annotations[0])
    ids = read_labels(annotations[0], scheme).objects
    _check_ids(ids, name)
    objects = tuple(ObjectSpan(each, 0, len(frames) - 1) for each in ids)
    return MaskSequence(name, frames, annotations, objects, scheme)


def _check_ids(ids: Iterable[int], name: str) -> None:
    if not (known := list(ids)):
        raise DatasetError(f"the first annotation of sequence {name} has no object")
    if not 0 < min(known) <= max(known) <= LAST_ID:
        raise DatasetError(f"sequence {name} has objects {known}; ids are 1 to {LAST_ID}")


def _annotations(folder: Path, frames: Frames) -> dict[int, Path]:
    paths = {path.stem: path for path in folder.glob("*.png")}
    return {index: paths[frames.name(index)] for index in range(len(frames)) if frames.name(index) in paths}


def read_youtube_vos(root: Path) -> tuple[MaskSequence, ...]:
    """The sequences of a folder with JPEGImages, Annotations and meta.json, such as `valid`.

    Frames outside those that meta.json lists for the objects are left out.
    """
    meta = root / "meta.json"
    content = read_object(meta)
    try:
        videos = dict(content["videos"])
        if not videos:
            raise DatasetError(f"{meta} lists no video")
        return tuple(_youtube_sequence(root, name, videos[name]["objects"]) for name in sorted(videos))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
        raise DatasetError(f"cannot read {meta}: missing or broken {error}") from error


def _youtube_sequence(root: Path, name: str, objects: Mapping[str, Any]) -> MaskSequence:
    folder = root / "JPEGImages" / name
    listed = {str(frame) for each in objects.values() for frame in each["frames"]}
    wanted = sorted(listed, key=natural_order)
    frames = ImageFiles(tuple(folder / f"{frame}.jpg" for frame in wanted))
    missing = [path.name for path in frames.paths if not path.is_file()]
    if missing:
        raise DatasetError(f"{folder} lacks {len(missing)} of its frames, the first is {missing[0]}")
    spans = tuple(_span(int(object_id), each, wanted) for object_id, each in sorted(objects.items()))
    _check_ids((each.object_id for each in spans), name)
    annotations = _annotations(root / "Annotations" / name, frames)
    for each in spans:
        if each.first not in annotations:
            raise DatasetError(
                f"sequence {name}: object {each.object_id} has no annotation in its first frame"
            )
    first = min(each.first for each in spans)
    return MaskSequence(name, frames, annotations, spans, scheme_of(annotations[first], len(spans)))


def _span(object_id: int, record: Mapping[str, Any], frames: list[str]) -> ObjectSpan:
    own = sorted(map(str, record["frames"]), key=natural_order)
    return ObjectSpan(object_id, frames.index(own[0]), frames.index(own[-1]), str(record.get("category", "")))
