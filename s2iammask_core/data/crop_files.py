"""Writes the crops of a frame. A file that exists is whole, so a killed run goes on where it stopped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.data.annotations import Annotation, Video
from s2iammask_core.data.crop511 import crop_mask, crop_picture, mean_colour
from s2iammask_core.data.cutting import read_rgb
from s2iammask_core.data.readers.crops import MASK, PICTURE, crop_stem, frame_key, track_key
from s2iammask_core.errors import DatasetError


@dataclass(frozen=True, slots=True)
class CropFormat:
    """How the crops of a data set are numbered and drawn."""

    mask_threshold: float  # share of a mask pixel above which it belongs to the object
    still: bool  # a picture has the frame number 0; a frame of a video that of its file
    renumbered: bool  # tracks are counted within their video, instead of bearing the data set's ids
    quality: int  # of the JPEG, 1 to 100


@dataclass(frozen=True, slots=True)
class CropOrder:
    """One crop to be written: folder/stem.x.jpg and, with a mask, folder/stem.m.png."""

    folder: Path
    stem: str
    annotation: Annotation

    @property
    def picture(self) -> Path:
        return self.folder / (self.stem + PICTURE)

    @property
    def mask(self) -> Path:
        return self.folder / (self.stem + MASK)

    def done(self) -> bool:
        """An empty file is what a power failure leaves; it is written again."""
        files = [self.picture] if self.annotation.mask is None else [self.picture, self.mask]
        return all(file.is_file() and file.stat().st_size for file in files)


@dataclass(frozen=True, slots=True)
class FrameOrder:
    """All crops of one frame, so that it is decoded once."""

    frame: Path
    crops: tuple[CropOrder, ...]


def numbered_tracks(video: Video, form: CropFormat) -> Iterator[tuple[int, dict[int, Annotation]]]:
    """The tracks by the number that their files bear, with annotations by frame index."""
    for place, (id_, annotations) in enumerate(video.tracks.items()):
        yield place if form.renumbered else id_, dict(annotations)


def frame_number(frame: Path, form: CropFormat) -> int:
    if form.still:
        return 0
    if not frame.stem.isdigit():
        raise DatasetError(f"{frame} must be named by its frame number")
    return int(frame.stem)


def frame_orders(video: Video, root: Path, form: CropFormat) -> list[FrameOrder]:
    """The crops of a video, to be written below root/NAME."""
    orders: dict[int, list[CropOrder]] = {}
    for number, annotations in numbered_tracks(video, form):
        for index, annotation in annotations.items():
            frame = frame_key(frame_number(video.frames[index], form))
            stem = crop_stem(frame, track_key(number))
            orders.setdefault(index, []).append(CropOrder(root / video.name, stem, annotation))
    return [FrameOrder(video.frames[index], tuple(crops)) for index, crops in sorted(orders.items())]


def write_frames(orders: Sequence[FrameOrder], form: CropFormat) -> int:
    """Writes the crops that are not there yet; how many those were."""
    return sum(_write_frame(order, form) for order in orders)


def _write_frame(order: FrameOrder, form: CropFormat) -> int:
    missing = [crop for crop in order.crops if not crop.done()]
    if missing:
        frame = read_rgb(order.frame)
        border = mean_colour(frame)
        for crop in missing:
            _write_mask(crop, frame.shape[:2], order.frame, form)
            picture = crop_picture(frame, crop.annotation.box, border)
            bgr = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), np.uint8)
            write_atomically(crop.picture, _encoded(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, form.quality]))
    return len(missing)


def _write_mask(crop: CropOrder, size: tuple[int, ...], frame: Path, form: CropFormat) -> None:
    if crop.annotation.mask is None:
        return
    mask = crop.annotation.mask.load()
    if mask.shape != size:
        raise DatasetError(f"the mask of {frame} has the size {mask.shape}, the frame {size} (height, width)")
    pixels = crop_mask(mask, crop.annotation.box, form.mask_threshold)
    write_atomically(crop.mask, _encoded(".png", pixels, []))


def _encoded(kind: str, pixels: NDArray[np.uint8], options: list[int]) -> bytes:
    return bytes(cv2.imencode(kind, pixels, options)[1])


def write_atomically(path: Path, content: bytes) -> None:
    """Under another name first, so that the file is never there in part."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise DatasetError(f"{path} cannot be written: {error}") from error
