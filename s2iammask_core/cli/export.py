"""Export a network to a folder of two graphs: template, and search, which is a whole step.

The number of targets stays free, and the settings that may change while tracking are an input of the search.
Those that cannot, such as the number of proposals, are part of it: --set gives them. An ONNX folder can be
given as --weights to the other commands and to the node; onnxruntime then runs it (CPU, CUDA or TensorRT
provider), and PyTorch is not needed.
"""

import argparse
import json
from pathlib import Path

from s2iammask_core.cli.settings import add_values, add_weights, chosen_tracker_settings
from s2iammask_core.model import checkpoint
from s2iammask_core.runtime import weights_file
from s2iammask_core.runtime.export import export, write_onnx, write_torch_export
from s2iammask_core.runtime.tensorrt import require_tensorrt, write_engine

WRITERS = {"onnx": write_onnx, "torch-export": write_torch_export, "tensorrt": write_engine}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", type=Path, help="folder for the graphs")
    parser.add_argument(
        "--format", choices=WRITERS, default="onnx", help="kind of graph (default: onnx)", dest="kind"
    )
    add_weights(parser)
    add_values(parser)
    parser.add_argument("--json", action="store_true", help="print the result as one json object")


def run(args: argparse.Namespace) -> int:
    if args.kind == "tensorrt":
        require_tensorrt()
    config = chosen_tracker_settings(args)
    network, notes = checkpoint.load(weights_file(args.weights))
    variant = network.config.variant
    files = [str(path) for path in export(network, args.out, WRITERS[args.kind], notes, config)]
    if args.json:
        print(json.dumps({"variant": variant, "format": args.kind, "files": files}))
    else:
        print(f"{variant}: {', '.join(files)}")
    return 0
