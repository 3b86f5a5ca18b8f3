"""TensorRT engines from exported ONNX graphs; TensorRT must be installed."""

from importlib import import_module
from pathlib import Path
from typing import Any

from s2iammask_core.errors import UnavailableError
from s2iammask_core.runtime.export import Format, Graph, write_onnx

MOST, USUAL = 16, 1  # targets: an engine takes up to the first, and is fastest with the second


def require_tensorrt() -> Any:
    """The module; UnavailableError where it is not installed."""
    try:
        return import_module("tensorrt")
    except ImportError as error:
        raise UnavailableError(
            "TensorRT is not installed; use --format onnx, which onnxruntime can run through TensorRT as well"
        ) from error


def write_engine(graph: Graph, folder: Path) -> Path:
    """An fp16 engine for this very GPU and TensorRT version."""
    trt = require_tensorrt()
    source = write_onnx(graph, folder)
    builder = trt.Builder(trt.Logger(trt.Logger.WARNING))
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, builder.logger)
    if not parser.parse(source.read_bytes()):
        raise UnavailableError(f"TensorRT cannot read {source}: {parser.get_error(0)}")
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.FP16)
    config.add_optimization_profile(_profile(graph, builder.create_optimization_profile()))
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise UnavailableError(f"TensorRT cannot build an engine from {source}; its log says why")
    path = source.with_suffix(".engine")
    path.write_bytes(engine)
    return path


def _profile(graph: Graph, profile: Any) -> Any:
    """The smallest, usual and largest shapes of the inputs."""
    for name, example in graph.inputs.items():
        counted = graph.axes().get(name, {})
        shapes = [
            [count if d in counted else side for d, side in enumerate(example.shape)]
            for count in (1, USUAL, MOST)
        ]
        profile.set_shape(name, *shapes)
    return profile


TENSORRT = Format(write_engine, ".engine", targets=0)
