"""What `s2iammask batch` costs beside a plain loop, and what a second worker brings: make bench-batch.

Clips of the demo's scene, each another one, are tracked by loops over `start` and `track` that write nothing,
and by workers, all with one thread each; as many loops as workers at the same time show what the machine
itself has to give. Rates of batch are those of the middle of a run, when all workers have begun; `whole_s`
contains their start. 0 workers: CPU seconds of batch and of the loop, by turns in this process, which other
work on the machine hardly changes. Memory is that of a process that only reads the table and goes through
its recordings.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from s2iammask_core import RuntimeConfig, Tracker, load_tracker
from s2iammask_core.batch.jobs import Row
from s2iammask_core.batch.manifest import opened
from s2iammask_core.batch.reading import read_rows
from s2iammask_core.batch.run import Request, Watch, run
from s2iammask_core.batch.work import TrackerRecipe
from s2iammask_core.clip import Shot, shots
from s2iammask_core.evaluation.factory import WeightsFactory
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.video_writer import video_writer
from s2iammask_core.runtime import weights_file
from s2iammask_core.spread import Workers, session

MIDDLE = (0.25, 0.9)  # shares of all frames between which a rate counts
ROWS = (1000, 100_000)
ONE_THREAD = RuntimeConfig(threads=1)
COLUMNS = "recording,frame,id,label,x,y,width,height\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--weights", default="s2iammask")
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--frames", type=int, default=40, help="of a clip")
    parser.add_argument("--workers", default="0,1,2", help="numbers of workers that are tried")
    parser.add_argument("--rates", action="store_true", help="rates alone, without the memory for many rows")
    parser.add_argument("--rounds", type=int, default=1, help="by turns; of each rate the best is kept")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with TemporaryDirectory() as folder:
        jobs = draw(Path(folder), args.clips, args.frames)
        found: dict[str, Any] = {"clips": args.clips, "frames": args.frames, "weights": args.weights}
        counts = [int(count) for count in args.workers.split(",")]
        if 0 in counts:
            found["0 workers"] = here(jobs, args)
        several = [count for count in counts if count]
        for _ in range(args.rounds):
            for count in dict.fromkeys([1, *several] if several else []):
                keep_best(found, f"{count} loops", loops(jobs, args.weights, count))
                if count in several:
                    keep_best(found, f"{count} workers", batch(jobs, args.weights, count))
        compare(found)
        if not args.rates:
            found["memory_mb"] = {rows: memory(Path(folder), rows) for rows in ROWS}
    print(json.dumps(found, indent=2))
    return 0


def draw(folder: Path, clips: int, frames: int) -> Path:
    """Writes the clips and the table of their first boxes."""
    scene = list(shots(clips + frames))
    rows = [
        write_clip(folder / f"clip{number:02d}.mp4", scene[number : number + frames])
        for number in range(clips)
    ]
    jobs = folder / "jobs.csv"
    jobs.write_text(COLUMNS + "".join(rows))
    return jobs


def write_clip(path: Path, part: list[Shot]) -> str:
    with video_writer(path, 25.0) as writer:
        for shot in part:
            writer.write(shot.frame)
    rows, columns = np.nonzero(part[0].mask)
    x, y = columns.min(), rows.min()
    return f"{path.name},0,1,cup,{x},{y},{columns.max() + 1 - x},{rows.max() + 1 - y}\n"


def keep_best(found: dict[str, Any], name: str, now: dict[str, Any]) -> None:
    """Whatever else runs on the machine only takes away."""
    print(f"{name}: {now['frames_per_s']} frames a second", file=sys.stderr, flush=True)
    if name not in found or now["frames_per_s"] > found[name]["frames_per_s"]:
        found[name] = now


def loops(jobs: Path, weights: str, count: int) -> dict[str, Any]:
    """What people write by hand, so many times at once, each for its share of the clips."""
    fresh = get_context("spawn")
    with fresh.Pool(count, meet_at, (fresh.Barrier(count),)) as pool:
        shares = [(jobs, weights, number, count) for number in range(count)]
        begun, ended, frames = zip(*pool.starmap(loop, shares, chunksize=1), strict=True)
    seconds = max(ended) - min(begun)
    return {"frames_per_s": round(sum(frames) / seconds, 1), "whole_s": round(seconds, 1)}


def meet_at(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier
    cv2.setNumThreads(1)


def loop(jobs: Path, weights: str, number: int, count: int) -> tuple[float, float, int]:
    """When it began and ended, and its frames; loading the network is not counted."""
    tracker = loaded(weights)
    rows = list(read_rows(jobs))[number::count]
    _barrier.wait()
    begun = time.monotonic()
    frames = follow(tracker, rows)
    return begun, time.monotonic(), frames


def loaded(weights: str) -> Tracker:
    tracker = load_tracker(weights, runtime=ONE_THREAD)
    tracker.warm_up()
    return tracker


def follow(tracker: Tracker, rows: Iterable[Row]) -> int:
    """What people write by hand; how many frames there were."""
    frames = 0
    for row in rows:
        own = tracker.sibling()
        for frame in open_clip(row.source):
            if own.ids:
                own.track(frame)
            else:
                own.start(frame, [row.start.box])
            frames += 1
    return frames


def batch(jobs: Path, weights: str, count: int) -> dict[str, Any]:
    workers = Workers(count)
    recipe = WeightsFactory(str(weights_file(weights).absolute()), runtime=ONE_THREAD)
    begun, ticks, done = time.monotonic(), list[tuple[float, int]](), 0

    def tick(frames: int) -> None:
        nonlocal done
        done += frames
        ticks.append((time.monotonic(), done))

    with session(workers):
        ended = labelled(jobs, recipe, workers, Watch(frames=tick))
    return {"frames_per_s": rate(ticks), "whole_s": round(time.monotonic() - begun, 1), "ended": ended}


def labelled(jobs: Path, recipe: TrackerRecipe, workers: Workers, watch: Watch) -> dict[str, int]:
    """How many recordings ended how."""
    with TemporaryDirectory() as out, opened(Path(out)) as manifest:
        counts = run(Request(recipe, Path(out), workers=workers), manifest, read_rows(jobs), watch)
    return {state.value: number for state, number in counts.items() if number}


@dataclass(frozen=True)
class Loaded:
    """A recipe whose tracker is there already."""

    tracker: Tracker

    def make(self) -> Tracker:
        return self.tracker

    def describe(self) -> dict[str, object]:
        return {}


def here(jobs: Path, args: argparse.Namespace) -> dict[str, Any]:
    """CPU seconds of a clip; of each the least of all rounds."""
    tracker = loaded(args.weights)
    rounds = [
        (
            cpu_seconds(lambda: follow(tracker, read_rows(jobs))),
            cpu_seconds(lambda: labelled(jobs, Loaded(tracker), Workers(), Watch())),
        )
        for _ in range(args.rounds)
    ]
    alone, whole = (min(each) / args.clips for each in zip(*rounds, strict=True))
    return {
        "loop_cpu_s_a_clip": round(alone, 3),
        "batch_cpu_s_a_clip": round(whole, 3),
        "of_the_loop": round(alone / whole, 2),
        "added_cpu_ms_a_recording": round(1000 * (whole - alone)),
    }


def cpu_seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def rate(ticks: list[tuple[float, int]]) -> float:
    """The slope of the frames over time in the middle."""
    whole = ticks[-1][1]
    low, high = (share * whole for share in MIDDLE)
    times, frames = np.asarray([each for each in ticks if low <= each[1] <= high]).T
    return round(float(np.polyfit(times - times[0], frames, 1)[0]), 1)


def compare(found: dict[str, Any]) -> None:
    """Adds what each number of workers makes of one loop, and of as many."""
    rates = {
        name: each["frames_per_s"]
        for name, each in found.items()
        if isinstance(each, dict) and "frames_per_s" in each
    }
    for name in [each for each in rates if each.endswith("workers")]:
        count = int(name.split()[0])
        as_many = rates[f"{count} loops"]
        found[name]["of_one_loop"] = round(rates[name] / rates["1 loops"], 2)
        found[name]["of_as_many_loops"] = round(rates[name] / as_many, 2)
        added = found["frames"] * count * (1 / rates[name] - 1 / as_many)
        found[name]["added_ms_a_recording"] = round(1000 * added)


READER = """
import re, sys
from pathlib import Path
from s2iammask_core.batch.manifest import opened
from s2iammask_core.batch.reading import read_rows
with opened(Path(sys.argv[2])) as manifest:
    manifest.load(read_rows(Path(sys.argv[1])))
    for _ in manifest.jobs(longest_first=True):
        pass
peak = re.search("VmHWM: *(\\\\d+)", Path("/proc/self/status").read_text().replace("\\t", " "))
print(round(int(peak.group(1)) / 1024))
"""


def memory(folder: Path, rows: int) -> int:
    """Megabytes of a process that reads so many rows, each another recording."""
    table = folder / f"{rows}.csv"
    table.write_text(COLUMNS + "".join(lines(rows)))
    command = [sys.executable, "-c", READER, str(table), str(folder / f"{rows}")]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def lines(rows: int) -> Iterator[str]:
    return (f"recording{number:06d}.mp4,0,1,cup,10,10,50,40\n" for number in range(rows))


if __name__ == "__main__":
    sys.exit(main())
