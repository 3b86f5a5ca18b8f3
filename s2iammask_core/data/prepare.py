"""Turns a data set into the method's 511-pixel crops and a json of boxes, in parallel and restartable."""

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
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
from s2iammask_core.data.readers.coco import read_coco
from s2iammask_core.data.readers.crops import CROPS, frame_key, track_key
from s2iammask_core.data.readers.imagenet_det import read_imagenet_det
from s2iammask_core.data.readers.imagenet_vid import read_imagenet_vid
from s2iammask_core.data.readers.youtube_vos import MIN_AREA, read_youtube_vos
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.digests import Digest
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.outputs import keep_apart, write_text

INSTEAD = "choose another destination, or remove it"
BATCH = 32  # crops that a process is given at a time, or a little more
YTB_VOS_TRAIN = 3000  # its first videos are the train json, the others the val json


@dataclass(frozen=True)
class PrepareConfig(Checked):
    """How crops are made."""

    quality: int = setting(95, "JPEG quality of the crops", 1, 100)
    min_area: int = setting(MIN_AREA, "ytb_vos: objects of no more pixels are left out", 0)
    crowds: bool = setting(False, "coco: keep annotations of crowds (iscrowd)")
    workers: int = setting(0, "processes; 0 takes one for each CPU core", 0, 1024)


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
) -> list[Prepared]:
    """Writes destination/crop511/VIDEO/FRAME.TRACK.x.jpg (.m.png) and destination/SPLIT.json.

    The json comes last: where it is, the split is complete. Without splits, those of the method are made.
    """
    if kind not in KINDS:
        raise DatasetError(f"{kind} cannot be prepared; choose one of {', '.join(KINDS)}")
    names = splits or KINDS[kind].splits
    outputs = {f"{name}.json": destination / f"{name}.json" for name in (*names, "prepare")}
    keep_apart({CROPS: destination / CROPS, **outputs}, [source])
    sets = {split: KINDS[kind].read(source, split, config) for split in names}
    _keep_settings(destination, {"set": kind, **asdict(config)}, sets)
    prepared = []
    for split, videos in sets.items():
        prepared.append(_prepare_split(kind, split, videos, destination, config))
        _note_pictures(destination, split, videos)
    return prepared


def _prepare_split(
    kind: str, split: str, videos: VideoSet, destination: Path, config: PrepareConfig
) -> Prepared:
    form = KINDS[kind].form(config)
    root = destination / CROPS
    batches = _batches(order for video in videos.videos for order in frame_orders(video, root, form))
    crops = written = 0
    with tqdm(total=_crop_count(videos.videos), desc=f"{kind} {split}", unit="crop") as progress:
        for size, new in _write_all(batches, form, config.workers or os.cpu_count() or 1):
            progress.update(size)
            crops, written = crops + size, written + new
    labels = _label_files(kind, split, videos.videos, destination)
    for path, part in labels.items():
        _write_labels(path, part, form)
    return Prepared(split, len(videos.videos), crops, written, tuple(labels))


def _keep_settings(destination: Path, settings: dict[str, Any], sets: Mapping[str, VideoSet]) -> None:
    """Crops of other settings or annotations do not mix: those that lie there would count as done."""
    values = {name: value for name, value in settings.items() if name != "workers"}
    digests = {split: annotations_digest(videos) for split, videos in sets.items()}
    path = destination / "prepare.json"
    before = read_object(path) if path.exists() else {**values, "annotations": {}}
    made = before.get("annotations")
    known, pictures = (each if isinstance(each, dict) else {} for each in (made, before.get("pictures")))
    if {name: value for name, value in before.items() if name not in ("annotations", "pictures")} != values:
        raise DatasetError(
            f"{destination} holds crops made with other settings ({path}: {before}, now: {values}); {INSTEAD}"
        )
    changed = [split for split, digest in digests.items() if known.get(split, digest) != digest]
    changed += [
        split for split in sets if split in pictures and pictures[split] != pictures_digest(sets[split])
    ]
    if changed or made is None:
        which = f"of {changed[0]}" if changed else "that nobody noted"
        raise DatasetError(
            f"{destination} holds crops made from other pictures or annotations {which}; {INSTEAD}"
        )
    noted = {**values, "annotations": {**known, **digests}, "pictures": pictures}
    write_text(path, json.dumps(noted, indent=2))


def _note_pictures(destination: Path, split: str, videos: VideoSet) -> None:
    """Of a split that is complete: until then, a picture that is cut may be replaced and the work go on."""
    path = destination / "prepare.json"
    noted = read_object(path)
    noted["pictures"][split] = pictures_digest(videos)
    write_text(path, json.dumps(noted, indent=2))


def pictures_digest(videos: VideoSet) -> str:
    """Changes with the frames' names and sizes."""
    digest = Digest()
    for video in videos.videos:
        for path in video.frames:
            digest.name_and_size(path)
    return digest.text


def annotations_digest(videos: VideoSet) -> str:
    """Changes with the frames' names, the boxes and the masks of a split."""
    digest = Digest()
    for video in videos.videos:
        digest.add(video.name)
        digest.add(*(path.name for path in video.frames))
        for track, annotations in video.tracks.items():
            for frame, annotation in annotations.items():
                digest.add(track, frame, annotation.box.xywh)
                if annotation.mask is not None:
                    annotation.mask.trace(digest)
    return digest.text


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


def _write_all(
    batches: Iterator[list[FrameOrder]], form: CropFormat, workers: int
) -> Iterator[tuple[int, int]]:
    """For each batch, the number of its crops and of those that were missing."""
    if workers == 1:
        yield from (_write_batch(batch, form) for batch in batches)
        return
    fresh = get_context("spawn")  # OpenCV's threads do not survive a fork, and its locks stay closed for ever
    with ProcessPoolExecutor(workers, fresh, initializer=_begin_worker) as pool:
        # Only so many at a time are handed over: all of COCO's masks would not fit.
        running = {pool.submit(_write_batch, batch, form) for batch in islice(batches, 4 * workers)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(_write_batch, batch, form) for batch in islice(batches, len(done))}
                yield from (each.result() for each in done)
        except BaseException:
            _cancel(running)
            raise


def _begin_worker() -> None:
    """Leaves Ctrl-C to the main process, and ends with it when it is killed: else it would wait for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)  # the processes share the cores
    parent = parent_process()
    if parent is not None:
        Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def _cancel(running: Iterable[Future[Any]]) -> None:
    for each in running:
        each.cancel()


def _write_batch(batch: Sequence[FrameOrder], form: CropFormat) -> tuple[int, int]:
    return sum(len(order.crops) for order in batch), write_frames(batch, form)


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
