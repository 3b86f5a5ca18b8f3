"""Boxes out of very many small annotation files: read by threads once, then kept in the user's cache."""

import hashlib
import logging
import os
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from s2iammask_core.cache import cache_folder
from s2iammask_core.data.readers.table import BoxTable
from s2iammask_core.errors import DatasetError

Rows = NDArray[np.int32]  # (N, 5) object id, x1 y1 x2 y2

CACHED_FROM = 1000  # files; fewer are read faster than anybody would wonder about a cache
CHUNK = 64  # files that a thread reads at a time
logger = logging.getLogger(__name__)


class Reader(Protocol):
    """Finds the objects in one annotation file."""

    @property
    def kind(self) -> str:
        """What is read and how; files are read again for another kind."""
        ...

    def __call__(self, file: str) -> Rows: ...


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The rows of F files, one file after the other."""

    counts: NDArray[np.int32]  # (F,) rows of each file
    rows: Rows


def boxes_in(files: Sequence[str], offsets: NDArray[np.int64], reader: Reader) -> BoxTable:
    """The boxes in one annotation file for each frame; video v has the files offsets[v] to offsets[v + 1]."""
    found = scan(files, reader)
    place = np.repeat(np.arange(len(files)), found.counts)  # (N,) file of each row
    video = np.searchsorted(offsets, place, side="right") - 1
    frame = place - offsets[video]
    boxes = found.rows[:, 1:].astype(np.float32)
    return BoxTable(video.astype(np.int32), found.rows[:, 0], frame.astype(np.int32), boxes)


def scan(files: Sequence[str], reader: Reader) -> Scan:
    """The rows of each file."""
    if len(files) < CACHED_FROM:
        return _read_all(files, reader)
    stored = cache_folder() / f"boxes-{_stamp(files, reader.kind)}.npz"
    known = _load(stored)
    if known is None:
        known = _read_all(files, reader)
        _save(stored, known)
    return known


def _stamp(files: Sequence[str], kind: str) -> str:
    """Changes when a file is added, taken away or written."""
    digest = hashlib.sha256(kind.encode())
    for file in files:
        try:
            status = Path(file).stat()
        except OSError as error:
            raise DatasetError(f"{file} cannot be read: {error}") from error
        digest.update(f"\n{file}:{status.st_size}:{status.st_mtime_ns}".encode())
    return digest.hexdigest()[:24]


def _read_all(files: Sequence[str], reader: Reader) -> Scan:
    rows: list[Rows] = []
    counts: list[int] = []
    remaining = iter(files)
    few = len(files) < CACHED_FROM
    progress = tqdm(total=len(files), desc=f"reading {reader.kind}", unit="file", disable=few)
    with progress, ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as threads:
        # In batches, or a million files would be a million waiting futures.
        while batch := list(islice(remaining, 64 * CHUNK)):
            chunks = [batch[start : start + CHUNK] for start in range(0, len(batch), CHUNK)]
            for found in threads.map(lambda chunk: [reader(file) for file in chunk], chunks):
                counts.extend(map(len, found))
                rows.extend(found)
                progress.update(len(found))
    joined = np.concatenate([np.empty((0, 5), np.int32), *rows])
    return Scan(np.array(counts, np.int32), joined)


def _load(path: Path) -> Scan | None:
    try:
        with np.load(path) as arrays:
            return Scan(arrays["counts"], arrays["rows"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _save(path: Path, found: Scan) -> None:
    """Atomic; a cache that cannot be written only costs the next start its time."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(part, counts=found.counts, rows=found.rows)
        part.replace(path)
    except OSError as error:
        logger.info("boxes of %s are not kept: %s", path, error)
