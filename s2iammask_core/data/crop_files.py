"""Writes the crops of a frame. A file that exists is whole, so a killed run goes on where it stopped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from s2iammask_core.data.annotations import Annotation, Video
from s2iammask_core.data.crop511 import Picture, crop_mask, crop_picture, mean_colour
from s2iammask_core.data.cutting import check_mask
from s2iammask_core.data.readers.crops import MASK, PICTURE, crop_stem, frame_key, track_key
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.pictures import read_picture, write_picture


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
        frame = read_picture(order.frame)
        border = mean_colour(frame)
        for crop in missing:
            _write_mask(crop, frame, order.frame, form)
            picture = crop_picture(frame, crop.annotation.box, border)
            write_picture(crop.picture, picture, form.quality)
    return len(missing)


def _write_mask(crop: CropOrder, frame: Picture, path: Path, form: CropFormat) -> None:
    if crop.annotation.mask is None:
        return
    try:
        mask = crop.annotation.mask.load()
        check_mask(mask, crop.annotation.box, frame)
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    write_picture(crop.mask, crop_mask(mask, crop.annotation.box, form.mask_threshold))
