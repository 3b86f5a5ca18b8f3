"""Track objects through a video, a folder of frames or a camera, from boxes or masks in the first frame.

Exit code 3: the video is damaged or truncated; the outputs hold what could be read of it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from s2iammask_core import load_tracker
from s2iammask_core.boxes import Box
from s2iammask_core.cli.beginning import Beginning, read_beginning
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.command_line import INCOMPLETE, INTERRUPTED
from s2iammask_core.errors import ConfigError, IncompleteError
from s2iammask_core.files.clips import Clip, open_clip
from s2iammask_core.files.outputs import keep_apart
from s2iammask_core.files.reading import Numbered
from s2iammask_core.geometry import HostFrame
from s2iammask_core.runtime import weights_file
from s2iammask_core.sinks import Sink, box_sink, check_own, mask_sink, overlay_sink
from s2iammask_core.tracking.track import Track, TrackState
from s2iammask_core.tracking.tracker import Tracker

Begin = Callable[[Tracker, HostFrame], list[Track]]  # starts a tracker; its answer for the first frame


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", help="video file, folder of frames, or camera: 0, /dev/video0")
    parser.add_argument(
        "--box",
        action="append",
        default=[],
        metavar="X,Y,W,H",
        help="an object in the first frame; may be repeated",
    )
    parser.add_argument(
        "--mask", type=Path, metavar="FILE", help="label picture of the first frame: each id is an object"
    )
    parser.add_argument("--out", type=Path, metavar="MP4", help="video with the tracks drawn on it")
    parser.add_argument(
        "--masks",
        type=Path,
        metavar="DIR",
        help="label pictures of ids: those of --mask, then k for the k-th box, else 0",
    )
    parser.add_argument(
        "--boxes", type=Path, metavar="CSV", help="boxes, states and confidences of all frames"
    )
    parser.add_argument("--frames", type=int, metavar="N", help="stop after N frames")
    parser.add_argument("--json", action="store_true", help="print the summary as one json object")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    beginning = _checked(args)
    config, runtime = chosen_settings(args)
    clip = open_clip(args.video)
    weights = weights_file(args.weights)
    inputs = [*clip.inputs, weights, *(path for path in (args.mask, args.config) if path)]
    keep_apart({"--out": args.out, "--masks": args.masks, "--boxes": args.boxes}, inputs)
    if args.masks:
        check_own(args.masks)
    tracker = load_tracker(args.weights, config=config, runtime=runtime)
    summary = Summary(clip.name)
    with ExitStack() as stack:
        sinks = [stack.enter_context(sink) for sink in _sinks(args, clip)]
        code = _tracked(tracker, clip, beginning.start, sinks, summary, args.frames)
    print(json.dumps(summary.record()) if args.json else summary.text())
    return code


def _checked(args: argparse.Namespace) -> Beginning:
    """What to start from; ConfigError for a command line that cannot be meant."""
    if args.frames is not None and args.frames < 1:
        raise ConfigError(f"--frames must be at least 1, got {args.frames}")
    if not args.box and not args.mask:
        raise ConfigError("nothing to track: give --box X,Y,W,H or --mask FILE")
    return read_beginning([Box.from_text(text) for text in args.box], args.mask)


@dataclass
class Summary:
    """What happened in a run."""

    source: str
    seen: int = 0  # frames, with the one that it began in
    frames: int = 0  # that were tracked
    seconds: float = 0.0  # spent in the tracker
    confidences: list[float] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=lambda: {state.value: 0 for state in TrackState})
    problem: str | None = None  # why there are not more frames

    def add(self, tracks: Sequence[Track], seconds: float) -> None:
        self.frames += 1
        self.seconds += seconds
        self.confidences += [track.confidence for track in tracks]
        for track in tracks:
            self.states[track.state.value] += 1

    def record(self) -> dict[str, object]:
        rate = self.frames / self.seconds if self.seconds else 0.0
        mean = sum(self.confidences) / max(len(self.confidences), 1)
        figures = {"frames_tracked": self.frames, "fps": round(rate, 2), "mean_confidence": round(mean, 4)}
        return {"source": self.source, **figures, "states": self.states, "problem": self.problem}

    def text(self) -> str:
        record = self.record()
        states = ", ".join(f"{count} {name}" for name, count in self.states.items() if count)
        return (
            f"{record['frames_tracked']} frames tracked at {record['fps']} frames/s, "
            f"mean confidence {record['mean_confidence']}: {states or 'no tracks'}"
        )


def _tracked(
    tracker: Tracker, clip: Clip, begin: Begin, sinks: Sequence[Sink], summary: Summary, limit: int | None
) -> int:
    """Tracks through the clip, and says what came in between; the exit code."""
    total = clip.count if limit is None else limit
    frames = tqdm(clip.read(limit), total=total, unit="frame", file=sys.stderr)
    try:
        track_clip(tracker, frames, begin, sinks, summary)
    except IncompleteError as error:
        code, summary.problem = INCOMPLETE, str(error)
    except KeyboardInterrupt:
        if clip.endless:  # this is how a camera's clip ends
            return 0
        if not summary.seen:
            raise
        of = f" of {total}" if total else ""
        code, summary.problem = INTERRUPTED, f"interrupted after {summary.seen}{of} frames"
    else:
        return 0
    print(f"warning: {summary.problem}; the outputs hold what was made", file=sys.stderr)
    return code


def track_clip(
    tracker: Tracker, frames: Iterable[Numbered], begin: Begin, sinks: Sequence[Sink], summary: Summary
) -> None:
    """Starts on the first frame, tracks through the others, and hands every frame to the sinks."""
    for number, frame in frames:
        if summary.seen == 0:
            tracks = begin(tracker, frame)
        else:
            started = time.perf_counter()
            tracks = tracker.track(frame)
            summary.add(tracks, time.perf_counter() - started)
        for sink in sinks:
            sink(number, frame, tracks)
        summary.seen += 1


def _sinks(args: argparse.Namespace, clip: Clip) -> list[AbstractContextManager[Sink]]:
    sinks: list[AbstractContextManager[Sink]] = []
    if args.out:
        sinks.append(overlay_sink(args.out, clip.rate))
    if args.masks:
        sinks.append(mask_sink(args.masks))
    if args.boxes:
        sinks.append(box_sink(args.boxes))
    return sinks
