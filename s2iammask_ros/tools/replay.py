"""Tracks through a bag in the very pipeline of the node, without time: each image is tracked, in order.

    ros2 run s2iammask replay BAG --box 10,20,80,60 --out TRACKED_BAG

Writes a new bag with the outputs, and figures as JSON on stdout; with --truth also the overlap with it.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from std_msgs.msg import Header

from s2iammask_core import Box, RotatedBox, RuntimeConfig, S2iamMaskError, TrackerConfig, TrackState
from s2iammask_core.command_line import INCOMPLETE, INTERRUPTED, MISUSE, joined_boxes
from s2iammask_core.config import from_mapping, read_yaml
from s2iammask_core.errors import ConfigError, TargetError
from s2iammask_core.files.outputs import keep_apart
from s2iammask_core.geometry import HostFrame
from s2iammask_ros.camera import Camera
from s2iammask_ros.engine import Engine, MakeTracker
from s2iammask_ros.loading import make_tracker
from s2iammask_ros.outputs.outputs import Outputs, Result
from s2iammask_ros.outputs.topics import (
    DETECTIONS,
    EVENTS,
    LABEL_INFO,
    MASK,
    OVERLAY_JPEG,
    TRACKS,
    Publisher,
    Topic,
)
from s2iammask_ros.settings import NodeConfig
from s2iammask_ros.targets.records import Candidate, Change, Moment
from s2iammask_ros.targets.targets import Targets
from s2iammask_ros.tools.bag import STORAGES, BagImage, BagPublisher, head, images
from s2iammask_ros.tools.truth import Masks, Truth, read_truth

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")
USUAL = (TRACKS, DETECTIONS, MASK, LABEL_INFO, EVENTS)
EVERY_NODE = ("use_sim_time", "qos_overrides", "start_type_description_service")
OFFLINE = {
    "max_age": 0.0,
    "history_seconds": 0.0,
    "depth": False,
    "hints": False,
    "search_budget": 0.0,
}  # whatever the file says


def main(argv: Sequence[str] | None = None) -> int:
    args = arguments().parse_args(joined_boxes(sys.argv[1:] if argv is None else argv))
    try:
        figures = replay(args, make_tracker)
    except (S2iamMaskError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return MISUSE
    except KeyboardInterrupt:
        return INTERRUPTED
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return INCOMPLETE if figures["broken"] or figures["stopped"] else 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bag", type=Path, help="folder of a rosbag2 bag")
    parser.add_argument("--image", default="", metavar="TOPIC", help="image topic; default: the only one")
    parser.add_argument(
        "--box", action="append", required=True, metavar="X,Y,W,H", help="an object in the first image"
    )
    parser.add_argument("--out", type=Path, metavar="BAG", help="folder of a new bag with the outputs")
    parser.add_argument("--storage", choices=sorted(STORAGES), default="mcap", help="of the new bag")
    parser.add_argument("--overlay", action="store_true", help="also write overlay/compressed")
    parser.add_argument(
        "--truth", type=Path, metavar="DIR", help="label pictures in the order of the images: k for box k"
    )
    parser.add_argument("--params", type=Path, metavar="YAML", help="parameter file, as for the node")
    parser.add_argument("--weights", default="", help="as the parameter; default: that of the parameter file")
    parser.add_argument("--device", default="", help="as the parameter; default: that of the parameter file")
    return parser


def replay(args: argparse.Namespace, make: MakeTracker) -> dict[str, Any]:
    """The figures of a replay."""
    stage, runtime = stage_and_runtime(args)
    boxes = [RotatedBox.from_box(Box.from_text(text)) for text in args.box]
    begin = head(args.bag, args.image)
    truth = read_truth(args.truth, begin.count, begin.size, len(boxes)) if args.truth else None
    keep_apart({"--out": args.out}, [args.bag, *([args.truth] if args.truth else [])])
    engine = Engine(make, stage.settings.weights, stage.tracker_config, runtime)
    topics = (*USUAL, OVERLAY_JPEG) if args.overlay else USUAL
    with ExitStack() as stack:
        publisher = (
            stack.enter_context(BagPublisher(args.out, args.storage, "tracker", topics)) if args.out else None
        )
        recorder = Recorder(publisher)
        camera = Camera("", Targets(engine.tracker()), recorder, stage)
        candidates = [Candidate(box, str(number)) for number, box in enumerate(boxes, start=1)]
        for number, image in images(args.bag, args.image):
            recorder.results += [None] * (number + 1 - len(recorder.results))
            play(image, camera, stage, recorder, candidates)
            candidates = []
        recorder.results += [None] * (begin.count - len(recorder.results))
    return figures(recorder, truth, len(boxes))


def stage_and_runtime(args: argparse.Namespace) -> tuple["Stage", RuntimeConfig]:
    """The settings of the parameter file, except for those that the command line gives."""
    values = parameters(args.params) if args.params else {}
    values |= {name: getattr(args, name) for name in ("weights", "device") if getattr(args, name)}
    settings = own(NodeConfig, values | {"cameras": ("",)} | OFFLINE)
    return Stage(own(TrackerConfig, values), settings), own(RuntimeConfig, values)


def parameters(file: Path) -> dict[str, Any]:
    """What a parameter file says to the node /tracker; the more particular part counts."""
    parts, found = read_yaml(file), dict[str, Any]()
    for name in ("/**", "/*", "tracker", "/tracker"):
        part = parts.get(name) or {}
        given = (part.get("ros__parameters") or {}) if isinstance(part, dict) else None
        if not isinstance(given, dict):
            raise ConfigError(f"{file} must hold names and values in {name}: ros__parameters")
        found |= given
    _check_known(file, found)
    return found


def _check_known(file: Path, names: Iterable[str]) -> None:
    """ConfigError for a name that is no parameter of the node; those of all nodes are no business of ours."""
    known = [each.name for kind in (NodeConfig, TrackerConfig, RuntimeConfig) for each in fields(kind)]
    for name in names:
        if name not in known and not str(name).startswith(EVERY_NODE):
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{file}: the node has no parameter {name!r}{hint}")


def own(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """The settings of one kind; what belongs to another one is left out."""
    return from_mapping(kind, {each.name: values[each.name] for each in fields(kind) if each.name in values})


@dataclass
class Stage:
    """Stands in for the node: its clock is that of the images, so nothing is ever late."""

    tracker_config: TrackerConfig
    settings: NodeConfig
    time: int = 0

    def now(self) -> int:
        return self.time

    def say(self, text: str) -> None:
        """Of starts and losses: the new bag has them as events."""

    def debug(self, text: Callable[[], str]) -> None: ...

    def warn(self, text: str) -> None:
        sys.stderr.write(f"warning: {text}\n")

    def survive(self, error: Exception, camera: Camera, frame: HostFrame) -> None:
        raise error


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found in one image."""

    masks: Masks  # empty for a lost object
    confidences: tuple[float, ...]
    lost: int  # number of lost objects


class Recorder(Outputs):
    """Keeps what the figures are made of, beside writing it."""

    def __init__(self, bag: BagPublisher | None) -> None:
        super().__init__(bag or Nowhere())
        self.bag = bag
        self.results: list[Seen | None] = []  # of each image; None for one that could not be read
        self.stopped: list[str] = []  # why targets ended before the bag did

    def publish(self, result: Result, mask_threshold: float) -> None:
        super().publish(result, mask_threshold)
        names = [each.id for each in result.tracked]
        self.results[-1] = Seen(
            {name: track.mask for name, track in zip(names, result.visible, strict=True)},
            tuple(each.track.confidence for each in result.tracked),
            sum(each.track.state is TrackState.LOST for each in result.tracked),
        )

    def publish_changes(self, changes: Sequence[Change], header: Header) -> None:
        super().publish_changes(changes, header)
        ended = [each for each in changes if each.id and each.after is None]
        self.stopped += [f"{each.id} at image {len(self.results) - 1}: {each.text}" for each in ended]


class Nowhere(Publisher):
    """For replays that only give figures."""

    def wanted(self, topic: Topic) -> bool:
        return False

    def publish(self, topic: Topic, message: Any) -> None:
        pass


def play(
    image: BagImage,
    camera: Camera,
    stage: "Stage",
    recorder: "Recorder",
    candidates: Sequence[Candidate],
) -> None:
    """One image; candidates begin in it."""
    arrival = camera.receive(image.message)
    stage.time = arrival.image.stamp
    if recorder.bag is not None:
        recorder.bag.now = image.recorded
    if candidates:
        _, verdicts = camera.start(candidates, Moment(arrival.image.stamp))
        refused = [verdict.reason for verdict in verdicts if verdict.reason]
        if refused:
            raise TargetError("; ".join(refused))
    camera.work(arrival)


def figures(recorder: Recorder, truth: Truth | None, objects: int) -> dict[str, Any]:
    """Of the images that could be read; beside them what went wrong."""
    seen = [each for each in recorder.results if each is not None]
    confidences = [value for each in seen for value in each.confidences]
    found: dict[str, Any] = {
        "images": len(seen),
        "broken": len(recorder.results) - len(seen),
        "mean_confidence": round(float(np.mean(confidences or [0.0])), 4),
        "lost": sum(each.lost for each in seen),
        "stopped": recorder.stopped,
    }
    if truth is not None:
        masks = [None if each is None else each.masks for each in recorder.results]
        found["mean_iou"] = [round(value, 4) for value in truth.overlaps(masks, objects)]
    return found


if __name__ == "__main__":
    sys.exit(main())
