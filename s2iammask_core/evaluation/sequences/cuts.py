"""A sequence whose objects are away for a while, and which goes on where it was."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from s2iammask_core.evaluation.sequences.frames import Frames
from s2iammask_core.evaluation.sequences.masks import MaskSequence
from s2iammask_core.files.digests import Digest
from s2iammask_core.geometry import HostFrame

Part = tuple[slice, slice]  # rows and columns of a frame


@dataclass(frozen=True, slots=True)
class CutFrames:
    """Frames with those of another sequence in between, of the same size and over again if they are few; or,
    in between, the frame before, standing still, with just these parts of the others in front of it.
    """

    frames: Frames
    others: Frames
    away: range  # the places of the others
    covered: tuple[Part, ...] | None = None  # None: all of the frame

    def __len__(self) -> int:
        return len(self.frames) + len(self.away)

    def read(self, index: int) -> HostFrame:
        if index not in self.away:
            return self.frames.read(self._own(index))
        other = self.others.read((index - self.away.start) % len(self.others))
        size = self.size(index)
        fitting = other if other.shape[1::-1] == size else np.asarray(cv2.resize(other, size), np.uint8)
        if self.covered is None:
            return fitting
        still = self.frames.read(self._own(index)).copy()
        for part in self.covered:
            still[part] = fitting[part]
        return still

    def name(self, index: int) -> str:
        return f"away{index:05d}" if index in self.away else self.frames.name(self._own(index))

    def size(self, index: int) -> tuple[int, int]:
        return self.frames.size(self._own(index))

    def trace(self, digest: Digest) -> None:
        digest.add(self.away, self.covered)
        self.frames.trace(digest)
        self.others.trace(digest)

    def _own(self, index: int) -> int:
        """The frame that is shown, or that was shown before the cut."""
        return index if index < self.away.start else max(index - len(self.away), self.away.start - 1)


def cut_away(
    sequence: MaskSequence, others: Frames, away: range, covered: tuple[Part, ...] | None = None
) -> MaskSequence:
    """The sequence with the cut: nothing is annotated in it, and objects do not end there."""

    def place(index: int) -> int:
        return index if index < away.start else index + len(away)

    return replace(
        sequence,
        frames=CutFrames(sequence.frames, others, away, covered),
        annotations={place(index): path for index, path in sequence.annotations.items()},
        objects=tuple(
            replace(each, first=place(each.first), last=place(each.last)) for each in sequence.objects
        ),
    )
