"""An exported network with 8-bit convolutions, for CPUs: more than twice as fast there as in fp32.

The ranges of the numbers are those that were seen while the network tracked something. It is another network,
if a close one: its masks differ from those of fp32 by more than bf16's do.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from s2iammask_core import manifest
from s2iammask_core.boxes import Box
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import UnavailableError, VideoError
from s2iammask_core.geometry import HostFrame
from s2iammask_core.runtime.exported import parts_of, read_description
from s2iammask_core.runtime.exported_runner import Engine, ExportedRunner, Inputs, Outputs
from s2iammask_core.runtime.onnx_engine import OnnxEngine
from s2iammask_core.tracking.s2iammask import S2iamMaskMethod
from s2iammask_core.tracking.tracker import Tracker

EVERY, MOST = 4, 25  # of a clip each n-th frame is looked at, up to so many
# first and last convolutions stay as they are: they are cheap, and what they round off shows the most
FEWEST_CHANNELS = 32


@dataclass(frozen=True, slots=True)
class Example:
    """What the network is run on to see how large its numbers get."""

    frames: Iterable[HostFrame]  # (H, W, 3) RGB
    boxes: Sequence[Box]  # of objects in the first one


def quantize(folder: Path, config: TrackerConfig, example: Example) -> list[Path]:
    """Replaces the ONNX graphs of an exported folder; returns their files.

    UnavailableError without the packages that do it, VideoError for an example of too few frames. The folder
    is left as it is then.
    """
    require_quantization()
    given = record(folder, config, example)
    names = read_description(folder).graphs
    with TemporaryDirectory(dir=folder) as scratch:
        made = {name: _quantized(folder / f"{name}.onnx", given[name], Path(scratch)) for name in names}
        for name, path in made.items():
            path.replace(folder / f"{name}.onnx")
    replace(read_description(folder), precision="int8").write(folder)
    manifest.write(folder, parts_of(folder))
    return [folder / f"{name}.onnx" for name in names]


def record(folder: Path, config: TrackerConfig, example: Example) -> dict[str, list[Inputs]]:
    """The inputs of each graph while the example was tracked."""
    described = read_description(folder)
    described.check(config)
    recorder = _Recorder(OnnxEngine(folder, described, RuntimeConfig(device="cpu")), described.graphs)
    method = S2iamMaskMethod(ExportedRunner(described, recorder))
    tracker = Tracker(method, replace(config, redetect_patches=0))  # or it sees background
    frames = islice(example.frames, 0, EVERY * MOST, EVERY)
    first = next(frames, None)
    if first is None:
        raise VideoError("the clip to measure the ranges of the 8-bit numbers on has no frames")
    tracker.start(first, example.boxes)
    for frame in frames:
        tracker.track(frame)
    if not recorder.given["search"]:
        raise VideoError(
            f"the clip to measure the ranges of the 8-bit numbers on needs more than {EVERY} frames"
        )
    return recorder.given


class _Recorder:
    """Keeps what an engine's graphs were given."""

    def __init__(self, engine: Engine, graphs: Sequence[str]) -> None:
        self._engine = engine
        self.given: dict[str, list[Inputs]] = {name: [] for name in graphs}

    @property
    def device(self) -> str:
        return self._engine.device

    def sizes(self, most: int) -> tuple[int, ...]:
        return self._engine.sizes(most)

    def answer(self, graph: str, calls: Sequence[Inputs]) -> list[Outputs]:
        self.given[graph] += calls
        return self._engine.answer(graph, calls)


def require_quantization() -> None:
    """UnavailableError where the packages are not installed."""
    try:
        import onnx  # noqa: F401
        from onnxruntime import quantization  # noqa: F401
    except ImportError as error:
        raise UnavailableError(
            f"8-bit graphs need the packages onnx and onnxruntime ({error}): pip install onnx onnxruntime"
        ) from error


def _quantized(path: Path, given: list[Inputs], scratch: Path) -> Path:
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    folded, made = scratch / f"folded_{path.name}", scratch / path.name
    with _quiet():
        quant_pre_process(path, folded, skip_symbolic_shape=True)
        quantization.quantize_static(
            folded,
            made,
            _Reader(given),
            per_channel=True,
            op_types_to_quantize=["Conv"],
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=_narrow(folded),
        )
    return made


def _narrow(path: Path) -> list[str]:
    """Names of the convolutions that stay as they are: with few inputs or outputs, and correlations."""
    import onnx

    graph = onnx.load(path).graph
    weights = {each.name: each.dims for each in graph.initializer}
    convs = [node for node in graph.node if node.op_type == "Conv"]
    return [node.name for node in convs if _narrowest(weights.get(node.input[1], ())) < FEWEST_CHANNELS]


def _narrowest(shape: Sequence[int]) -> int:
    """The smaller number of channels of a kernel; 0 for one that is an input, as a correlation's is."""
    return min(shape[:2], default=0)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the remarks that onnxruntime makes to the root logger about each layer."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


class _Reader:
    """As onnxruntime's CalibrationDataReader."""

    def __init__(self, given: Iterable[Inputs]) -> None:
        self._given: Iterator[Inputs] = iter(given)

    def get_next(self) -> Inputs | None:
        return next(self._given, None)
