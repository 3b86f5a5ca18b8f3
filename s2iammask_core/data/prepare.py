"""Turns a data set into the method's 511-pixel crops and a json of boxes, in parallel and restartable."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from s2iammask_core.boxes import Box
from s2iammask_core.config import Checked, setting
from s2iammask_core.data.annotations import Video, VideoSet
from s2iammask_core.data.crop_files import (
    CropFormat,
    FrameOrder,
    frame_number,
    frame_orders,
    numbered_tracks,
    write_frames,
)
from s2iammask_core.data.crop_record import RECORD, keep_settings, note_pictures
from s2iammask_core.data.readers.coco import read_coco
from s2iammask_core.data.readers.crops import CROPS, frame_key, track_key
from s2iammask_core.data.readers.imagenet_det import read_imagenet_det
from s2iammask_core.data.readers.imagenet_vid import read_imagenet_vid
from s2iammask_core.data.readers.youtube_vos import MIN_AREA, read_youtube_vos
from s2iammask_core.errors import DatasetError, S2iamMaskError, UnavailableError
from s2iammask_core.files.outputs import keep_apart, write_text
from s2iammask_core.spread import Crew, Failed, Tick, Workers, crew, session

BATCH = 32  # crops that a worker is given at a time, or a little more
YTB_VOS_TRAIN = 3000  # its first videos are the train json, the others the val json


@dataclass(frozen=True)
class PrepareConfig(Checked):
    """How crops are made."""

    quality: int = setting(95, "JPEG quality of the crops", 1, 100)
    min_area: int = setting(MIN_AREA, "ytb_vos: objects of no more pixels are left out", 0)
    crowds: bool = setting(False, "coco: keep annotations of crowds (iscrowd)")


@dataclass(frozen=True, slots=True)
class Kind:
    """A data set that can be prepared."""

    splits: tuple[str, ...]  # prepared if none are named
    mask_threshold: float
    still: bool
    renumbered: bool
    read: Callable[[Path, str, PrepareConfig], VideoSet]

    def form(self, config: PrepareConfig) -> CropFormat:
        return CropFormat(self.mask_threshold, self.still, self.renumbered, config.quality)


KINDS = {
    "coco": Kind(
        splits=("train2017", "val2017"),
        mask_threshold=0.5,
        still=True,
        renumbered=False,
        read=lambda root, split, config: read_coco(root, split, config.crowds),
    ),
    "ytb_vos": Kind(
        splits=("train",),
        mask_threshold=0.2,
        still=False,
        renumbered=True,
        read=lambda root, split, config: read_youtube_vos(root, split, config.min_area),
    ),
    "vid": Kind(
        splits=("train", "val"),
        mask_threshold=0.5,
        still=False,
        renumbered=False,
        read=lambda root, split, _: read_imagenet_vid(root, split),
    ),
    "det": Kind(
        splits=("train",),
        mask_threshold=0.5,
        still=True,
        renumbered=False,
        read=lambda root, split, _: read_imagenet_det(root, split),
    ),
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a split came to."""

    split: str
    videos: int
    crops: int
    written: int  # in this run; the others were there
    labels: tuple[Path, ...]


def prepare(
    kind: str,
    source: Path,
    destination: Path,
    splits: Sequence[str] = (),
    config: PrepareConfig = PrepareConfig(),
    workers: Workers = Workers(),
) -> list[Prepared]:
    """Writes destination/crop511/VIDEO/FRAME.TRACK.x.jpg (.m.png) and destination/SPLIT.json.

    The json comes last: where it is, the split is complete. Without splits, those of the method are made.
    What is written does not depend on the workers.
    """
    if kind not in KINDS:
        raise DatasetError(f"{kind} cannot be prepared; choose one of {', '.join(KINDS)}")
    names = splits or KINDS[kind].splits
    outputs = {name: destination / name for name in (CROPS, RECORD, *(f"{name}.json" for name in names))}
    keep_apart(outputs, [source])
    sets = {split: KINDS[kind].read(source.absolute(), split, config) for split in names}
    keep_settings(destination, {"set": kind, **asdict(config)}, sets)
    prepared, form = [], KINDS[kind].form(config)
    with session(workers), crew(workers) as hands:
        for split, videos in sets.items():
            work = CropWork(destination.absolute(), form)
            crops, written = _write_crops(f"{kind} {split}", videos, work, hands)
            labels = _label_files(kind, split, videos.videos, destination)
            for path, part in labels.items():
                _write_labels(path, part, form)
            note_pictures(destination, split, videos)
            prepared.append(Prepared(split, len(videos.videos), crops, written, tuple(labels)))
    return prepared


@dataclass(frozen=True, slots=True)
class CropWork:
    """The recipe of a worker that writes crops, and says how many of them were missing."""

    destination: Path
    form: CropFormat

    def __call__(self) -> Callable[[list[FrameOrder], Tick], int]:
        if not (self.destination / RECORD).is_file():
            raise UnavailableError(
                f"a worker does not see {self.destination}: give a folder that all machines share"
            )
        return lambda batch, _: write_frames(batch, self.form)


def _write_crops(name: str, videos: VideoSet, work: CropWork, hands: Crew) -> tuple[int, int]:
    """How many crops a split has, and how many of them were missing."""
    root, crops, written = work.destination / CROPS, 0, 0
    batches = _batches(order for video in videos.videos for order in frame_orders(video, root, work.form))
    with tqdm(total=_crop_count(videos.videos), desc=name, unit="crop") as progress:
        for outcome in hands.run(work, batches):
            if isinstance(outcome, Failed):
                raise named(outcome)
            size = sum(len(order.crops) for order in outcome.item)
            progress.update(size)
            crops, written = crops + size, written + outcome.result
    return crops, written


def named(failed: Failed[list[FrameOrder]]) -> S2iamMaskError:
    """Why frames came to nothing: their own errors name them, that of a process that died does not."""
    if isinstance(failed.error, S2iamMaskError) and not isinstance(failed.error, UnavailableError):
        return failed.error
    return UnavailableError(f"crops of {failed.item[0].frame} to {failed.item[-1].frame}: {failed.error}")


def _crop_count(videos: Iterable[Video]) -> int:
    return sum(len(track) for video in videos for track in video.tracks.values())


def _batches(orders: Iterable[FrameOrder]) -> Iterator[list[FrameOrder]]:
    batch: list[FrameOrder] = []
    for order in orders:
        batch.append(order)
        if sum(len(each.crops) for each in batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _label_files(kind: str, split: str, videos: Sequence[Video], folder: Path) -> dict[Path, Sequence[Video]]:
    if kind == "ytb_vos" and len(videos) > YTB_VOS_TRAIN:
        train, val = videos[:YTB_VOS_TRAIN], videos[YTB_VOS_TRAIN:]
        return {folder / "train.json": train, folder / "val.json": val}
    return {folder / f"{split}.json": videos}


def _write_labels(path: Path, videos: Sequence[Video], form: CropFormat) -> None:
    """{video: {track: {frame: [x1, y1, x2, y2]}}} in frame pixels, one video a line."""
    lines = (f"{json.dumps(video.name)}: {json.dumps(_labels(video, form))}" for video in videos)
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _labels(video: Video, form: CropFormat) -> dict[str, dict[str, list[float]]]:
    return {
        track_key(number): {
            frame_key(frame_number(video.frames[index], form)): _corners(annotation.box)
            for index, annotation in annotations.items()
        }
        for number, annotations in numbered_tracks(video, form)
    }


def _corners(box: Box) -> list[float]:
    return [round(value, 2) for value in (box.x1, box.y1, box.x2, box.y2)]
