"""Export a network to a folder of two graphs: template, and search, which is a whole step.

The settings that may change while tracking are an input of the search. Those that cannot, such as the number
of proposals, are part of it: --set gives them. An ONNX folder, whose graphs take one target at a time, can be
given as --weights to the other commands and to the node; OpenVINO then runs it, or onnxruntime, by CUDA too
or, with runtime tensorrt, by TensorRT, and PyTorch is not needed. A folder with the name of the weights file,
beside it, is found by that file's name.

--precision int8 makes its convolutions multiply bytes, for CPUs. How large the numbers get is measured while
an object is tracked: in the clip of `s2iammask demo`, or in one of your own camera.

  s2iammask export exported --precision int8 --clip street.mp4 --box 410,220,60,90
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from s2iammask_core.boxes import Box
from s2iammask_core.cli.settings import add_values, add_weights, chosen_tracker_settings
from s2iammask_core.clip import first_box, shots
from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import ConfigError
from s2iammask_core.files.clips import open_clip
from s2iammask_core.manifest import sha256
from s2iammask_core.model import checkpoint
from s2iammask_core.runtime import weights_file
from s2iammask_core.runtime.export import ONNX, TORCH_EXPORT, Format, Subject, export
from s2iammask_core.runtime.exported import FIRST_MASK, GRAPHS
from s2iammask_core.runtime.quantize import Example, quantize, require_quantization
from s2iammask_core.runtime.verification import with_expectation

FORMATS = {"onnx": ONNX, "torch-export": TORCH_EXPORT}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", type=Path, help="folder for the graphs")
    parser.add_argument(
        "--format", choices=FORMATS, default="onnx", help="kind of graph (default: onnx)", dest="kind"
    )
    parser.add_argument(
        "--precision", choices=("fp32", "int8"), default="fp32", help="of the convolutions (default: fp32)"
    )
    parser.add_argument(
        "--clip", metavar="VIDEO", help="video or folder of frames for int8 (default: the demo's clip)"
    )
    parser.add_argument(
        "--box",
        action="append",
        default=[],
        metavar="X,Y,W,H",
        help="an object in the clip's first frame; may be repeated",
    )
    add_weights(parser)
    add_values(parser)
    parser.add_argument("--json", action="store_true", help="print the result as one json object")


def run(args: argparse.Namespace) -> int:
    config, example = chosen_tracker_settings(args), _example(args)
    subject = subject_of(weights_file(args.weights), config)
    files = [str(path) for path in write(subject, args.out, FORMATS[args.kind], config, example)]
    variant = subject.network.config.variant
    if args.json:
        found = {"variant": variant, "format": args.kind, "precision": args.precision, "files": files}
        print(json.dumps(found))
    else:
        print(f"{variant}, {args.precision}: {', '.join(files)}")
    return 0


def subject_of(path: Path, config: TrackerConfig) -> Subject:
    """The network of a weights file, with what it answers with these settings."""
    network, notes = checkpoint.load(path)
    return Subject(network, with_expectation(network, notes, config), sha256(path))


def write(
    subject: Subject, out: Path, form: Format, config: TrackerConfig, example: Example | None = None
) -> list[Path]:
    """Replaces what was exported to a folder before, if all goes well; with an example, by 8-bit graphs."""
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out) as name:
        paths = export(subject, Path(name), form, config)
        if example:
            quantize(Path(name), config, example)
        for path in _graphs(out):  # of another format, which the new description is not about
            path.unlink()
        for path in Path(name).iterdir():
            path.replace(out / path.name)
    return [out / path.name for path in paths]


def _graphs(folder: Path) -> list[Path]:
    """What an earlier export wrote."""
    names = (f"{graph}{form.suffix}" for graph in (*GRAPHS, FIRST_MASK) for form in FORMATS.values())
    return [path for name in names if (path := folder / name).is_file()]


def _example(args: argparse.Namespace) -> Example | None:
    """What int8 is measured on, None for fp32; ConfigError for a choice that does not fit together."""
    if args.precision == "fp32":
        if args.clip or args.box:
            raise ConfigError("--clip and --box are for --precision int8, which measures ranges on them")
        return None
    if args.kind != "onnx":
        raise ConfigError(f"--precision int8 is for --format onnx, not {args.kind}")
    require_quantization()
    if bool(args.clip) != bool(args.box):
        raise ConfigError("--clip and --box belong together: a clip, and objects in its first frame")
    if args.clip:
        return Example(open_clip(args.clip), [Box.from_text(text) for text in args.box])
    return Example((shot.frame for shot in shots()), [first_box()])
