"""Tracks through many recordings and writes labels for every frame.

  s2iammask batch jobs.csv --out labels --workers 2
  s2iammask batch first_boxes/coco.json --out labels --formats coco,davis,mots
  s2iammask batch jobs.csv --out labels --from-review labels/review.csv

JOBS is a table (.csv, .jsonl, .parquet) with a row for each object's start: recording, frame or stamp, id,
label, and x, y, width, height or mask; or a json of COCO, YouTube-VOS, CVAT or Label Studio with first boxes.
A recording is a video, a folder of frames or a rosbag2 bag (topic), a path or a URL. A run that was stopped
goes on where it stopped; docs/batch.md says more.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.cli.workers import add_workers, chosen_workers
from s2iammask_core.errors import ConfigError, UnavailableError
from s2iammask_core.files.outputs import keep_apart
from s2iammask_core.runtime import weights_file
from s2iammask_core.spread import session

if TYPE_CHECKING:
    from s2iammask_core.batch.jobs import Row
    from s2iammask_core.batch.run import Request, Watch

USUAL = "coco,boxes"
FAILURES = 1  # exit code if recordings failed
SHOWN = 20  # failures that are named; the manifest has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "jobs", type=Path, metavar="JOBS", help="table of recordings and first boxes, or a json"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where labels go")
    parser.add_argument(
        "--formats",
        default=USUAL,
        metavar="A,B",
        help=f"coco, boxes, davis, mots, images, bag (default: {USUAL})",
    )
    parser.add_argument(
        "--from-review", type=Path, metavar="FILE",
        help="corrected boxes: review.csv with its column `corrected`, or anything that JOBS may be",
    )  # fmt: skip
    parser.add_argument("--retry-failed", action="store_true", help="try again what failed in earlier runs")
    parser.add_argument(
        "--split-after", type=int, default=2000, metavar="N",
        help="frames after which a recording may be split at a start (default: 2000)",
    )  # fmt: skip
    parser.add_argument("--dashboard", action="store_true", help="show Ray's dashboard of this machine")
    parser.add_argument("--json", action="store_true", help="print the summary as one json object")
    add_workers(parser, "as many as fit on this machine")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    try:
        from s2iammask_core.batch import corrections
        from s2iammask_core.batch import run as batch
        from s2iammask_core.batch.formats.places import Places
        from s2iammask_core.batch.manifest import State, opened
        from s2iammask_core.batch.reading import read_rows
    except ImportError as error:
        raise UnavailableError(
            f"batch needs more packages ({error}): pip install 's2iammask[batch]'"
        ) from error
    request = chosen_request(args)
    rows = _some(read_rows(args.jobs), args.jobs)
    places = Places(args.out)
    keep_apart({str(each): each for each in (places.boxes, places.coco, places.review)}, [args.jobs])
    with ExitStack() as stack:
        manifest = stack.enter_context(opened(args.out))
        if args.from_review:
            corrections.add(args.out, corrections.read_review(args.from_review))
        dashboard = stack.enter_context(session(request.workers, args.dashboard))
        if dashboard:
            print(f"dashboard: {dashboard}", file=sys.stderr)
        bars = stack.enter_context(Bars())
        counts = batch.run(request, manifest, rows, bars.watch())
        failures = dict(islice(manifest.failures(), SHOWN))
    for source, reason in failures.items():
        print(f"failed: {source}: {reason}", file=sys.stderr)
    found = {state.value: number for state, number in counts.items()}
    print(
        json.dumps({**found, "out": str(args.out)}) if args.json else f"{_said(found)}; labels in {args.out}"
    )
    return FAILURES if counts[State.FAILED] else 0


def _some(rows: "Iterator[Row]", jobs: Path) -> "Iterator[Row]":
    """The rows, of which there must be one."""
    first = next(rows, None)
    if first is None:
        raise ConfigError(f"{jobs} names no recording")
    return chain([first], rows)


def _said(found: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in found.items() if number)


def chosen_request(args: argparse.Namespace) -> "Request":
    """ConfigError for a format that does not exist, or numbers that make no sense."""
    from s2iammask_core.batch.run import FORMATS, Request
    from s2iammask_core.evaluation.factory import WeightsFactory

    formats = tuple(dict.fromkeys(args.formats.split(",")))
    if unknown := [name for name in formats if name not in FORMATS]:
        raise ConfigError(f"--formats knows {', '.join(FORMATS)}, not {unknown[0]!r}")
    if args.split_after < 1:
        raise ConfigError(f"--split-after must be 1 or more, got {args.split_after}")
    workers = chosen_workers(args, 0 if args.address else fitting(args.cpus_per_worker))
    config, runtime = chosen_settings(args)
    runtime = replace(runtime, threads=runtime.threads or workers.cpus)  # also in this process: equal results
    recipe = WeightsFactory(str(weights_file(args.weights).absolute()), config=config, runtime=runtime)
    return Request(recipe, args.out, formats, workers, args.split_after, args.retry_failed)


def fitting(cpus: int) -> int:
    """How many workers with so many CPUs this machine has room for."""
    return max(len(os.sched_getaffinity(0)) // max(cpus, 1), 1)


class Bars(ExitStack):
    """Two bars: recordings that are looked at, then frames that are tracked, with rate and remaining time."""

    def watch(self) -> "Watch":
        from s2iammask_core.batch.run import Watch

        looked = self.enter_context(tqdm(unit="recording", desc="looking", file=sys.stderr))
        tracked = self.enter_context(tqdm(unit="frame", desc="tracking", file=sys.stderr))

        def begin(recordings: int, frames: int) -> None:
            tracked.reset(total=frames or None)
            tracked.set_postfix_str(f"0 of {recordings} recordings")
            self._left, self._all = recordings, recordings

        def ended(*_: object) -> None:
            self._left -= 1
            tracked.set_postfix_str(f"{self._all - self._left} of {self._all} recordings")

        return Watch(looked.update, begin, ended, tracked.update)
