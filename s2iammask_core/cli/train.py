"""Trains a network as a YAML file says; goes on where a killed run stopped.

s2iammask train config/train_stage1.yaml
s2iammask train config/train_stage2.yaml --set initial=runs/stage1/best.pt
torchrun --nproc-per-node 8 -m s2iammask_core train config/train_stage1.yaml
"""

import argparse
from typing import Any

from s2iammask_core.errors import ConfigError
from s2iammask_core.files.yamls import read_yaml, yaml_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", help="YAML file of settings; paths in it are relative to the working directory"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="overrides",
        help="replaces a setting, for example schedule.start=0.001",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="begins anew even if the output folder has a snapshot, which is kept beside it",
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="CPU threads of each process; 0: PyTorch's choice"
    )


def run(args: argparse.Namespace) -> int:
    import torch  # seconds: not before the command line is known to be right

    from s2iammask_core.cli.held_out import held_out
    from s2iammask_core.training.loop import train
    from s2iammask_core.training.settings import from_nested

    config = from_nested(overridden(read_yaml(args.config), args.overrides))
    if args.threads:
        torch.set_num_threads(args.threads)
    validate = held_out(config.validation)
    last = train(config, resume=not args.fresh, validate=validate)
    print(last)
    return 0


def overridden(values: dict[str, Any], overrides: list[str]) -> dict[str, Any]:
    """Nested settings with some of them replaced; ConfigError for what is not NAME=VALUE."""
    for override in overrides:
        path, separator, text = override.partition("=")
        *parents, name = path.split(".")
        if not separator or not name:
            raise ConfigError(f"--set takes NAME=VALUE, got {override!r}")
        at = values
        for parent in parents:
            at = at.setdefault(parent, {})
            if not isinstance(at, dict):
                raise ConfigError(f"--set {override}: {parent} holds no settings")
        at[name] = yaml_value(text, f"the value {text!r} of --set {path}")
    return values
