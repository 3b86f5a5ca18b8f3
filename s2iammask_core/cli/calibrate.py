"""Fits the confidence of a weights file to held-out sequences in DAVIS layout, and writes it into the file.

  s2iammask calibrate --root DAVIS --year 2016 --list train --sequences boat,soccerball --weights FILE --out
  FILE

Prints the expected calibration error before and after, and draws a reliability plot; the error after is that
on sequences left out of the fit, each in turn. Use sequences that were neither trained on nor are reported.
Each run ends with a few frames of another sequence, in which the object cannot be.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from s2iammask_core.cli.benchmarks import add_starts, chosen_starts
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.errors import DatasetError

if TYPE_CHECKING:
    from s2iammask_core.evaluation.calibration import Reliability


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root", type=Path, required=True, help="folder with JPEGImages, Annotations, ImageSets"
    )
    parser.add_argument(
        "--year", choices=("2016", "2017"), default="2016", help="of ImageSets (default: 2016)"
    )
    parser.add_argument("--list", default="train", help="list of sequences in ImageSets (default: train)")
    parser.add_argument("--sequences", default="", metavar="A,B", help="only these of the list")
    add_starts(parser)
    parser.add_argument("--out", type=Path, help="where to write the weights with the fitted confidence")
    parser.add_argument("--plot", type=Path, help="where to draw the reliability, PNG")
    parser.add_argument("--json", action="store_true", help="print one json object")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    from s2iammask_core.evaluation import calibration
    from s2iammask_core.evaluation.sequences.masks import read_davis
    from s2iammask_core.evaluation.sequences.starts import Starts, mask_runs
    from s2iammask_core.runtime import load_tracker, weights_file

    starts = chosen_starts(args) or Starts()
    config, runtime = chosen_settings(args)
    weights = weights_file(args.weights)
    tracker = load_tracker(weights, config=config, runtime=runtime)
    sequences = read_davis(args.root, args.year, _names(args))
    pairs = zip(sequences, sequences[1:] + sequences[:1], strict=True)
    runs = [(run, other) for each, other in pairs for _, run in mask_runs(each, starts)]
    bar = tqdm(runs, unit="run", file=sys.stderr)
    observations = [each for run in bar for each in calibration.observe(tracker, *run)]
    fitted = calibration.fit(observations)
    before = calibration.reliability(tracker.confidence_model, observations)
    after = calibration.cross_validated(observations)
    if args.plot:
        _draw(args.plot, before, after)
    if args.out:
        _write(Path(weights), args.out, json.dumps(asdict(fitted)))
    right = sum(each.right for each in observations) / len(observations)
    found: dict[str, object] = {
        "frames": len(observations),
        "right": right,
        "error_before": before.error,
        "error_after": after.error,
    }
    found["confidence"] = asdict(fitted)
    print(json.dumps(found) if args.json else "\n".join(f"{name}: {value}" for name, value in found.items()))
    return 0


def _names(args: argparse.Namespace) -> tuple[str, ...]:
    from s2iammask_core.files.davis import listed_sequences

    listed = listed_sequences(args.root, args.year, args.list)
    chosen = tuple(args.sequences.split(",")) if args.sequences else listed
    if missing := set(chosen) - set(listed):
        raise DatasetError(f"{args.root} does not list {', '.join(sorted(missing))} in {args.list}")
    return chosen


def _draw(path: Path, before: "Reliability", after: "Reliability") -> None:
    import numpy as np

    from s2iammask_core.evaluation.reports.plots import plots
    from s2iammask_core.evaluation.reports.record import Curve

    title, axes = "Reliability of the confidence", ("confidence", "share of right answers (J >= 0.5)")
    ends = np.array([0.0, 1.0])
    curves = [Curve(title, *axes, ends, ends, "perfect")]
    for legend, each in (("before", before), ("after", after)):
        curves.append(
            Curve(title, *axes, each.confidence, each.accuracy, f"{legend}: error {each.error:.3f}")
        )
    (picture,) = plots(curves).values()
    path.write_bytes(picture)


def _write(weights: Path, out: Path, confidence: str) -> None:
    from s2iammask_core.model import checkpoint

    network, notes = checkpoint.load(weights)
    checkpoint.save(network, out, {**notes, "confidence": confidence})
