"""Turn COCO, YouTube-VOS, ImageNet-VID or ImageNet-DET into 511-pixel training crops and a json of boxes.

SRC is the root of the official layout. A run that was interrupted goes on when it is started again.
"""

import argparse
import json
from dataclasses import Field, asdict, fields
from pathlib import Path
from typing import Any

from s2iammask_core.cli.workers import add_workers, chosen_workers
from s2iammask_core.data.prepare import KINDS, PrepareConfig, Prepared, prepare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("set", choices=sorted(KINDS), help="the data set")
    parser.add_argument("source", metavar="SRC", type=Path, help="its root folder")
    parser.add_argument("destination", metavar="DST", type=Path, help="folder for crop511/ and json files")
    parser.add_argument(
        "--split", action="append", default=[], help="a split; may be repeated (default: those of the method)"
    )
    for each in fields(PrepareConfig):
        _add_setting(parser, each)
    add_workers(parser)
    parser.add_argument("--json", action="store_true", help="print the result as one json object")


def _add_setting(parser: argparse.ArgumentParser, field: "Field[Any]") -> None:
    flag, meaning = f"--{field.name.replace('_', '-')}", field.metadata["meaning"]
    if isinstance(field.default, bool):
        parser.add_argument(flag, action="store_true", help=meaning)
    else:
        kind = type(field.default)
        parser.add_argument(flag, type=kind, default=field.default, help=f"{meaning} (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    config = PrepareConfig(**{each.name: getattr(args, each.name) for each in fields(PrepareConfig)})
    paths = args.source, args.destination
    results = prepare(args.set, *paths, args.split, config, chosen_workers(args))
    if args.json:
        print(json.dumps({"set": args.set, "splits": [_record(each) for each in results]}))
        return 0
    for each in results:
        labels = " and ".join(str(path) for path in each.labels)
        print(f"{each.split}: {each.crops} crops of {each.videos} videos, {each.written} new; {labels}")
    return 0


def _record(result: Prepared) -> dict[str, Any]:
    return {**asdict(result), "labels": [str(path) for path in result.labels]}
