"""The command `s2iammask`: one module of this package for each subcommand, imported when it is called."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from s2iammask_core.command_line import INTERRUPTED, MISUSE, joined_boxes
from s2iammask_core.errors import S2iamMaskError

COMMANDS = {
    "track": "track objects through a video, a folder of frames or a camera",
    "page": "draw boxes and watch the tracker in the browser",
    "batch": "track through many recordings, on one machine or a cluster, and write labels",
    "demo": "compose a clip with known truth, for trying a tracker without a camera",
    "eval": "run a tracker over a data set and write its results",
    "score": "score result files: VOT, DAVIS, YouTube-VOS, OTB",
    "ablate": "evaluate variants of a tracker side by side",
    "tune": "search for good tracker settings on a data set",
    "trax": "serve the tracker to the official vot-toolkit",
    "calibrate": "fit the confidence to held-out sequences",
    "train": "train a network from a config file",
    "prepare": "make training crops of a data set",
    "weights": "convert, inspect and verify weights files",
    "export": "export a network to ONNX or torch.export",
    "check": "say what this machine has, and how each way of running does here",
    "bench": "measure the time of a tracking step",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit code."""
    words = joined_boxes(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="s2iammask", description="Tracks objects with boxes and masks.")
    chosen = next((word for word in words if not word.startswith("-")), "")
    module = import_module(f"{__name__}.{chosen}") if chosen in COMMANDS else None
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if module is not None and name == chosen:
            command.description = module.__doc__
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            module.add_arguments(command)
    args = parser.parse_args(words)
    try:
        return int(import_module(f"{__name__}.{args.command}").run(args))
    except (S2iamMaskError, OSError) as error:  # OSError: a path of the command line that cannot be written
        print(f"error: {error}", file=sys.stderr)
        return MISUSE
    except KeyboardInterrupt:
        return INTERRUPTED
