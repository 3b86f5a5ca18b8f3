"""What every data set is to the training: videos with tracks of boxes, and masks that are read on demand.

Boxes are in frame pixels, continuous coordinates (pixel i spans [i, i + 1)). A still picture is a video
with one frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Box
from s2iammask_core.files.digests import Digest


class MaskSource(Protocol):
    """Where the mask of one object in one frame comes from; small, and safe to send to another process."""

    def load(self) -> NDArray[np.bool_]:
        """The mask (H, W), of the frame's size; DatasetError if its file is missing or broken."""
        ...

    def trace(self, digest: Digest) -> None:
        """Adds what tells this mask from others."""
        ...

    def levels(self) -> NDArray[np.uint8]:
        """The same with 255 for the object, 128 where it is unknown what there is, and 0 elsewhere."""
        ...


@dataclass(frozen=True, slots=True)
class Annotation:
    """One object in one frame."""

    box: Box
    mask: MaskSource | None = None  # None where the data set has none


@dataclass(frozen=True, slots=True)
class Video:
    """The frames of one video, and for each object id its annotation by frame index, in rising order.

    A track need not cover every frame; it covers at least one, and its boxes have an area. Some data sets
    say which annotations of a track are hard: by its id, their positions among its annotations, from 0. Some
    say by its id of what kind an object is. Where a video is not complete, objects like those of the tracks
    may stand unlabelled in its frames.
    """

    name: str
    frames: Sequence[Path]
    tracks: Mapping[int, Mapping[int, Annotation]]
    hard: Mapping[int, Sequence[int]] = field(default_factory=dict)
    kinds: Mapping[int, str] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class VideoSet:
    """A data set and how it is to be sampled."""

    name: str
    videos: Sequence[Video]  # made on access from flat arrays: cheap to hold, to fork and to send
    frame_range: int  # greatest distance of template and search frame, in annotated frames of a track
    num_use: int | None  # how many picks it contributes to an epoch; None = one for each video
    has_masks: bool
    step_range: int = 0  # greatest distance of a frame from what stands for the one before it; 0: itself
    has_kinds: bool = False  # whether its videos say what their objects are
