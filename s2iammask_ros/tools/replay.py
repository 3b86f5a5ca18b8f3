"""Tracks through a bag in the very pipeline of the node, without time: each image is tracked, in order.

    ros2 run s2iammask replay BAG --box 10,20,80,60 --out TRACKED_BAG
    ros2 run s2iammask replay BAG --box 10,20,80,60 --id cup --start-offset 12.5
    ros2 run s2iammask replay BAG --targets targets.csv

Writes a new bag with the outputs, and figures as JSON on stdout; with --truth also the overlap with it.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from std_msgs.msg import Header
from tqdm import tqdm

from s2iammask_core import S2iamMaskError, TrackState
from s2iammask_core.batch.targets import target_of
from s2iammask_core.command_line import INCOMPLETE, INTERRUPTED, MISUSE, joined_boxes
from s2iammask_core.errors import TargetError
from s2iammask_core.files.outputs import keep_apart
from s2iammask_ros.camera import Camera
from s2iammask_ros.engine import Engine, MakeTracker
from s2iammask_ros.images.encodings import image_to_rgb
from s2iammask_ros.loading import make_tracker
from s2iammask_ros.outputs.outputs import Outputs, Result
from s2iammask_ros.outputs.topics import DETECTIONS, EVENTS, LABEL_INFO, MASK, OVERLAY_JPEG, TRACKS
from s2iammask_ros.targets.records import Candidate, Change, Moment, Reason
from s2iammask_ros.targets.targets import Targets
from s2iammask_ros.tools.bag import STORAGES, BagHead, BagImage, BagPublisher, head, images
from s2iammask_ros.tools.planned import Planned, check_all_began, nanoseconds_of, planned
from s2iammask_ros.tools.stage import Nowhere, Stage, stage_and_runtime
from s2iammask_ros.tools.truth import Masks, Shown, Truth, read_truth

USUAL = (TRACKS, DETECTIONS, MASK, LABEL_INFO, EVENTS)


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
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--box", action="append", metavar="X,Y,W,H", help="an object where tracking starts")
    what.add_argument(
        "--targets",
        type=Path,
        metavar="FILE",
        help="objects and their starts, as `s2iammask batch` reads them (csv, json lines, annotations); rows "
        "about other recordings are passed over",
    )
    parser.add_argument("--id", action="append", default=[], help="of the object, one for each --box")
    parser.add_argument("--label", action="append", default=[], help="free text, one for each --box")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument(
        "--start-stamp", type=nanoseconds_of, metavar="SECONDS", help="stamp of the image of the boxes"
    )
    begin.add_argument(
        "--start-offset", type=nanoseconds_of, metavar="SECONDS", help="the same after the first image"
    )
    parser.add_argument("--out", type=Path, metavar="BAG", help="folder of a new bag with the outputs")
    parser.add_argument("--storage", choices=sorted(STORAGES), default="mcap", help="of the new bag")
    parser.add_argument("--overlay", action="store_true", help="also write overlay/compressed")
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="DIR",
        help="label pictures in the order of the images: k for box k, or the id in --targets",
    )
    parser.add_argument("--params", type=Path, metavar="YAML", help="parameter file, as for the node")
    parser.add_argument("--weights", default="", help="as the parameter; default: that of the parameter file")
    parser.add_argument("--device", default="", help="as the parameter; default: that of the parameter file")
    return parser


def replay(args: argparse.Namespace, make: MakeTracker) -> dict[str, Any]:
    """The figures of a replay."""
    given = {"weights": args.weights, "device": args.device}
    stage, runtime = stage_and_runtime(args.params, given)
    begin = head(args.bag, args.image)
    wanted = planned(args, begin.stamp)
    names = list(dict.fromkeys(each.name for each in wanted))
    truth = read_truth(args.truth, begin.count, begin.size, len(names)) if args.truth else None
    keep_apart({"--out": args.out}, [args.bag, *(each for each in (args.truth, args.targets) if each)])
    engine = Engine(make, stage.settings.weights, stage.tracker_config, runtime)
    topics = (*USUAL, OVERLAY_JPEG) if args.overlay else USUAL
    with ExitStack() as stack:
        publisher = (
            stack.enter_context(BagPublisher(args.out, args.storage, "tracker", topics)) if args.out else None
        )
        recorder = Recorder(publisher)
        run = Run(Camera("", Targets(engine.tracker()), recorder, stage), stage, recorder, wanted)
        for number, image in watched(args, begin):
            run.play(number, image)
        run.close(begin.count)
    return figures(recorder, truth, {each.name: each.start.id for each in wanted})


def watched(args: argparse.Namespace, begin: BagHead) -> Iterator[tuple[int, BagImage]]:
    """The images of the bag, with a bar where somebody sees it."""
    with tqdm(total=begin.count, unit="image", file=sys.stderr, disable=None) as bar:
        for number, image in images(args.bag, args.image):
            yield number, image
            bar.update(number + 1 - bar.n)


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
        self.shown: list[Shown] = []  # which objects were to be tracked in which images
        self.stopped: list[str] = []  # why targets ended before the bag did

    def reach(self, count: int) -> None:
        """So many images have come, those that could not be read among them."""
        self.results += [None] * (count - len(self.results))

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
        ended = [each for each in ended if each.reason is not Reason.STOPPED]  # which was planned
        self.stopped += [f"{each.id} at image {len(self.results) - 1}: {each.text}" for each in ended]


class Run:
    """Tracks what is planned through the images, which come one at a time."""

    def __init__(self, camera: Camera, stage: Stage, recorder: Recorder, wanted: Sequence[Planned]) -> None:
        self._camera, self._stage, self._recorder = camera, stage, recorder
        self.waiting = sorted(wanted, key=lambda each: each.start.at)
        self._begun: dict[str, tuple[Planned, int]] = {}  # by name, with the image in which it began

    def play(self, number: int, image: BagImage) -> None:
        self._recorder.reach(number + 1)
        arrival = self._camera.receive(image.message)
        stamp = self._stage.time = arrival.image.stamp
        if self._recorder.bag is not None:
            self._recorder.bag.now = image.recorded
        self._end(number, stamp)
        self._begin(number, stamp, image)
        self._camera.work(arrival)

    def _end(self, number: int, stamp: int) -> None:
        over = [name for name, (each, _) in self._begun.items() if each.ends(_at(each, number, stamp))]
        for name in over:
            self._recorder.shown.append(Shown(name, self._begun.pop(name)[1], number))
        tracked = {target.name for target in self._camera.targets.known.values()}
        if known := [name for name in over if name in tracked]:
            self._camera.stop(known, text="its end is planned")

    def _begin(self, number: int, stamp: int, image: BagImage) -> None:
        """TargetError if one cannot be tracked, as nothing that follows would be what is asked for."""
        begun = [each for each in self.waiting if each.begins(_at(each, number, stamp))]
        if not begun:
            return
        for each in begun:
            if not each.start.stamped and each.start.at < number:
                raise TargetError(f"image {each.start.at}, in which {each.name} begins, cannot be read")
        size = image_to_rgb(image.message).shape[:2]
        candidates = [Candidate(target_of(each.start, size), each.name, each.start.label) for each in begun]
        _, verdicts = self._camera.start(candidates, Moment(stamp))
        if refused := [verdict.reason for verdict in verdicts if verdict.reason]:
            raise TargetError("; ".join(refused))
        self.waiting = [each for each in self.waiting if each not in begun]
        self._begun |= {each.name: (each, number) for each in begun}

    def close(self, count: int) -> None:
        """After the last of the images."""
        self._recorder.reach(count)
        check_all_began(self.waiting)
        self._recorder.shown += [Shown(name, first, count) for name, (_, first) in self._begun.items()]


def _at(planned: Planned, number: int, stamp: int) -> int:
    return stamp if planned.start.stamped else number


def figures(recorder: Recorder, truth: Truth | None, values: Mapping[str, int]) -> dict[str, Any]:
    """Of the images that could be read; beside them what went wrong.

    values: of the objects in the label pictures.
    """
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
        found["mean_iou"] = [
            None if value is None else round(value, 4)
            for value in truth.overlaps(masks, recorder.shown, values)
        ]
    return found


if __name__ == "__main__":
    sys.exit(main())
