"""Settings on a command line: a YAML file and single values, checked as everywhere else."""

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from s2iammask_core.config import RuntimeConfig, TrackerConfig, from_mapping
from s2iammask_core.errors import ConfigError
from s2iammask_core.files.yamls import read_yaml, yaml_value


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Adds --weights, --device, --config and --set."""
    add_weights(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add_values(parser)


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Adds --weights."""
    parser.add_argument(
        "--weights",
        default="",
        metavar="FILE",
        help="weights file, exported folder, or a name of the package: s2iammask (default)",
    )


def add_values(parser: argparse.ArgumentParser) -> None:
    """Adds --config and --set."""
    parser.add_argument("--config", type=Path, metavar="YAML", help="file with names and values of settings")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="settings",
        help="a tracker or runtime setting; may be repeated: " + ", ".join(_names()),
    )  # fmt: skip


def _names() -> list[str]:
    return [each.name for kind in (TrackerConfig, RuntimeConfig) for each in fields(kind)]


def chosen_settings(args: argparse.Namespace) -> tuple[TrackerConfig, RuntimeConfig]:
    """The settings of a parsed command line; a single value wins over the file."""
    tracker, runtime = _values(args)
    return from_mapping(TrackerConfig, tracker), from_mapping(
        RuntimeConfig, {"device": args.device, **runtime}
    )


def chosen_tracker_settings(args: argparse.Namespace) -> TrackerConfig:
    """The same of a command that runs nothing; it lets pass what it needs not."""
    return from_mapping(TrackerConfig, _values(args)[0])


def _values(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the tracker's settings and of the runtime's, by name."""
    values = read_yaml(args.config) if args.config else {}
    values |= dict(_pair(text) for text in args.settings)
    names = {each.name for each in fields(RuntimeConfig)}
    runtime = {name: value for name, value in values.items() if name in names}
    return {name: value for name, value in values.items() if name not in names}, runtime


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set takes NAME=VALUE, got {text!r}")
    return name.strip(), yaml_value(value, f"the value {value!r} of --set {name}")
