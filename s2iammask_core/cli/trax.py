"""Serve the tracker to the official vot-toolkit over TraX, or write its entry in trackers.ini.

  s2iammask trax --weights FILE --entry WORKSPACE/trackers.ini
  vot test S2iamMask && vot evaluate S2iamMask

The toolkit may live in an environment of its own; here only vot-trax is needed: pip install vot-trax.
"""

import argparse
import sys
from pathlib import Path

from s2iammask_core.cli.eval import IDENTITY
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.errors import UnavailableError
from s2iammask_core.evaluation.factory import IdentityFactory, TrackerFactory, WeightsFactory
from s2iammask_core.runtime import weights_file

NAME = "S2iamMask"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    parser.add_argument("--name", default=NAME, help=f"the tracker's name in the toolkit (default: {NAME})")
    parser.add_argument("--entry", type=Path, metavar="INI", help="append the entry to this file, and stop")


def run(args: argparse.Namespace) -> int:
    try:
        from s2iammask_core.evaluation import trax
    except ImportError as error:
        raise UnavailableError("the TraX protocol needs vot-trax: pip install vot-trax") from error
    if args.entry:
        with args.entry.open("a") as file:
            file.write(trax.Entry(args.name, args.name, _arguments(args)).text())
        print(f"{args.name} is now in {args.entry}", file=sys.stderr)
        return 0
    tracker = _factory(args).make()
    with trax.connect(args.name) as connection:
        trax.serve(tracker, connection)
    return 0


def _factory(args: argparse.Namespace) -> TrackerFactory:
    if args.weights == IDENTITY:
        return IdentityFactory()
    config, runtime = chosen_settings(args)
    return WeightsFactory(str(weights_file(args.weights)), config=config, runtime=runtime)


def _arguments(args: argparse.Namespace) -> tuple[str, ...]:
    """The same settings again, with paths that hold in any folder."""
    words = ["--name", args.name, "--device", args.device]
    if args.weights:
        words += [
            "--weights",
            IDENTITY if args.weights == IDENTITY else str(weights_file(args.weights).resolve()),
        ]
    if args.config:
        words += ["--config", str(args.config.resolve())]
    for each in args.settings:
        words += ["--set", each]
    return tuple(words)
