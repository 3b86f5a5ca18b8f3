"""Converts, verifies and describes weights files.

s2iammask weights convert SiamMask_DAVIS.pth [OUT.safetensors] [--variant siammask_sharp]
s2iammask weights export runs/stage2/best.pt OUT.safetensors
s2iammask weights average OUT.safetensors one.safetensors other.safetensors
s2iammask weights verify weights/s2iammask.safetensors
s2iammask weights show FILE.safetensors
s2iammask weights show s2iammask
s2iammask weights show EXPORTED_FOLDER
s2iammask weights ship FILE.safetensors [NAME] [--no-graphs]
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from s2iammask_core import manifest
from s2iammask_core.config import VARIANTS, TrackerConfig
from s2iammask_core.files.outputs import keep_apart
from s2iammask_core.manifest import sha256, verify
from s2iammask_core.runtime import weights_file
from s2iammask_core.runtime.exported import folder_of, is_exported, read_description
from s2iammask_core.runtime.verification import with_expectation
from s2iammask_core.runtime.weights import shipped_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    convert = actions.add_parser("convert", help="a published SiamMask checkpoint to safetensors")
    convert.add_argument("checkpoint", type=Path)
    convert.add_argument(
        "out", type=Path, nargs="?", help="by default the checkpoint's name with .safetensors"
    )
    convert.add_argument("--variant", choices=VARIANTS[:3], help="by default guessed from the parts it has")
    export = actions.add_parser("export", help="a snapshot of a training run to safetensors")
    export.add_argument("snapshot", type=Path)
    export.add_argument("out", type=Path)
    export.add_argument(
        "--note", action="append", default=[], metavar="NAME=TEXT", help="kept in the file's metadata"
    )
    average = actions.add_parser("average", help="the mean of files of one training line, often better")
    average.add_argument("out", type=Path)
    average.add_argument("files", type=Path, nargs="+")
    verify = actions.add_parser("verify", help="compares a file's sha256 with a manifest")
    verify.add_argument("file", type=Path)
    verify.add_argument("--manifest", type=Path, help="by default manifest.json beside the file")
    ship = actions.add_parser(
        "ship", help="makes weights the package's own: file, exported graphs, expected answer and manifests"
    )
    ship.add_argument("file", type=Path)
    ship.add_argument("name", nargs="?", help="by default that of the file")
    ship.add_argument("--no-graphs", action="store_true", help="for a network that needs PyTorch to run")
    show = actions.add_parser("show", help="what a file, or an exported folder, holds, as json")
    show.add_argument("file", metavar="FILE|NAME|FOLDER")


def run(args: argparse.Namespace) -> int:
    actions = {
        "convert": _convert,
        "export": _export,
        "average": _average,
        "verify": _verify,
        "show": _show,
        "ship": _ship,
    }
    print(actions[args.action](args))
    return 0


def _convert(args: argparse.Namespace) -> str:
    from s2iammask_core.config import NetworkConfig
    from s2iammask_core.model import checkpoint

    out = args.out or args.checkpoint.with_suffix(".safetensors")
    keep_apart({"OUT": out}, [args.checkpoint])
    state = checkpoint.read_official(args.checkpoint)
    variant = args.variant or checkpoint.guess_variant(state)
    network = checkpoint.convert_official(state, NetworkConfig(variant), str(args.checkpoint))
    checkpoint.save(network, out, with_expectation(network, {}, TrackerConfig()))
    return f"{out}: {variant}, sha256 {sha256(out)}"


def _export(args: argparse.Namespace) -> str:
    from s2iammask_core.model import checkpoint
    from s2iammask_core.training.setup import network_of

    keep_apart({"OUT": args.out}, [args.snapshot])
    network = network_of(args.snapshot)
    notes = dict(note.partition("=")[::2] for note in args.note)
    checkpoint.save(network, args.out, with_expectation(network, notes, TrackerConfig()))
    return f"{args.out}: {network.config.variant}, sha256 {sha256(args.out)}"


def _average(args: argparse.Namespace) -> str:
    from s2iammask_core.model import checkpoint

    keep_apart({"OUT": args.out}, args.files)
    network = checkpoint.average(args.files)
    checkpoint.save(network, args.out, with_expectation(network, {}, TrackerConfig()))
    return f"{args.out}: mean of {len(args.files)}, {network.config.variant}, sha256 {sha256(args.out)}"


def _verify(args: argparse.Namespace) -> str:
    return f"{args.file}: as in the manifest, sha256 {verify(args.file, args.manifest)}"


def _ship(args: argparse.Namespace) -> str:
    from s2iammask_core.cli.export import subject_of, write
    from s2iammask_core.model import checkpoint
    from s2iammask_core.runtime.export import ONNX

    name, config = args.name or args.file.stem, TrackerConfig()
    out = shipped_folder() / f"{name}.safetensors"
    first = subject_of(args.file, config)
    checkpoint.save(first.network, out, first.notes)
    manifest.write(out.parent, [out.name])
    out.chmod(0o644)  # it is for everybody, unlike what a user writes for himself
    made = [out]
    if not args.no_graphs:
        made += write(subject_of(out, config), out.with_suffix(""), ONNX, config)
    return f"{name}: {', '.join(map(str, made))}"


def _show(args: argparse.Namespace) -> str:
    path = weights_file(args.file)
    if is_exported(path):
        described = asdict(read_description(folder_of(path)))
        described |= described.pop("notes")
    else:
        from s2iammask_core.model import checkpoint

        network, notes = checkpoint.load(path)
        parameters = sum(each.numel() for each in network.parameters())
        described = {**asdict(network.config), "parameters": parameters, "sha256": sha256(path), **notes}
    return json.dumps(described, indent=2)
