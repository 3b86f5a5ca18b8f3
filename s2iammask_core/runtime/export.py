"""A network as files that other programs can run: a graph of templates, and one of the whole step."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
import torchvision.ops  # noqa: F401  # pools regions in graphs; cannot be imported while one is recorded
from torch import Tensor, nn

from s2iammask_core import manifest
from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import UnavailableError
from s2iammask_core.model import SiameseNetwork
from s2iammask_core.model.correlation import correlation_by_taps
from s2iammask_core.runtime.exported import FIRST_MASK, Exported, parts_of
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.tracking.aim import COLUMNS, NUMBERS
from s2iammask_core.tracking.settings import FIXED, LIVE, StepSettings
from s2iammask_core.tracking.step import StepOutput, as_input, step

OPSET = 17  # of ONNX; RoIAlign with half-pixel coordinates came with 16
SAMPLES = 2  # targets of the example inputs of graphs for any number; 1 would be taken for a constant
# an example's numbers: `aim.Aim.packed`
AIM = (127.5, 127.5, 255, 64, 64, 96, 96, 160, 160, 0, 0, 0, 0.4, 0.7)


class TemplateGraph(nn.Module):
    """Template patches, as a host cuts them, and masks to what is remembered."""

    def __init__(self, network: PreparedNetwork) -> None:
        super().__init__()
        self.module, self.network = network.module, network

    def forward(self, patches: Tensor, masks: Tensor) -> Tensor:
        remembered = self.network.template(as_input(patches), masks)
        # networks without a memory ask for no mask, but an input that is not used would be left out
        return remembered + 0 * masks[:, :1, 0] if self.network.module.memory is None else remembered


class FirstMaskGraph(nn.Module):
    """Patches around boxes, as a host cuts them, and the boxes as masks, to the masks that are in them."""

    def __init__(self, network: PreparedNetwork) -> None:
        super().__init__()
        self.module, self.network = network.module, network

    def forward(self, patches: Tensor, boxes: Tensor) -> Tensor:
        return self.network.first_mask(as_input(patches), boxes)


class SearchGraph(nn.Module):
    """Kernels, search patches, packed aims and live settings to what a step says about the patches."""

    def __init__(self, network: PreparedNetwork, settings: StepSettings) -> None:
        super().__init__()
        self.module, self.searches, self.network = network.module, network.searches, network
        self.settings = settings

    def forward(
        self, kernels: Tensor, patches: Tensor, aim: Tensor, settings: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        live: dict[str, Any] = dict(zip(LIVE, settings.unbind(), strict=True))
        chosen = replace(self.settings, **live)
        figures, levels, reach = step(self.network, chosen, as_input(patches), kernels, aim)
        return figures, levels, reach


Writer: TypeAlias = Callable[["Graph", Path], Path]


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph with example inputs; the first dimension of all but the settings is the number of targets."""

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    targets: int  # that it takes; 0: any number
    is_large: bool = False  # so that the room that its kernels take counts

    def axes(self) -> dict[str, dict[int, str]]:
        """The dimensions of inputs and outputs that may change, by name."""
        if self.targets:
            return {}
        return {name: {0: "targets"} for name in (*self.inputs, *self.outputs) if name != "settings"}


@torch.no_grad()
def graphs_of(network: SiameseNetwork, config: TrackerConfig, targets: int) -> list[Graph]:
    """The graphs of a network, which is changed for that; fp32, on the CPU; 0 targets are any number."""
    if not targets:
        network.correlation = correlation_by_taps
    prepared = PreparedNetwork(network, torch.device("cpu"), torch.float32)
    samples = targets or SAMPLES
    templates = _patches(samples, config.template_pixels)
    masks = torch.rand(samples, config.template_pixels, config.template_pixels)
    aim = torch.zeros(samples, COLUMNS)
    aim[:, :NUMBERS] = torch.tensor(AIM)
    inputs = {
        "kernels": prepared.template(as_input(templates), masks),
        "patches": _patches(samples, config.search_pixels),
        "aim": aim,
        "settings": torch.tensor([getattr(config, name) for name in LIVE]),
    }
    given = {"patches": templates, "masks": masks}
    search = SearchGraph(prepared, StepSettings.of(config))
    search(*inputs.values())  # what is computed once and kept, like the anchors, is so before the recording
    made = [
        Graph("template", TemplateGraph(prepared), given, ("kernels",), targets),
        Graph("search", search, inputs, StepOutput._fields, targets),
    ]
    if network.first_pixels:
        side = network.first_pixels
        boxed = {"patches": _patches(samples, side), "boxes": torch.rand(samples, side, side)}
        made.append(Graph(FIRST_MASK, FirstMaskGraph(prepared), boxed, ("masks",), targets, is_large=True))
    return made


def _patches(count: int, pixels: int) -> Tensor:
    return torch.randint(0, 256, (count, pixels, pixels, 3), dtype=torch.uint8)


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that graphs are written to."""

    write: Writer
    suffix: str
    targets: int  # that a graph takes; 0: any number


@dataclass(frozen=True, slots=True)
class Subject:
    """What is exported."""

    network: SiameseNetwork  # it is changed for that
    notes: dict[str, str]  # of the weights
    source: str = ""  # sha256 of the weights file


def export(subject: Subject, folder: Path, form: Format, config: TrackerConfig) -> list[Path]:
    """Writes the graphs of a network, a description and a manifest; returns the graphs' files."""
    network, fixed = subject.network, {name: getattr(config, name) for name in FIXED}
    described = Exported(
        network.config.variant,
        network.mask_source,
        network.memory_values,
        fixed,
        list(LIVE),
        subject.notes,
        network.first_pixels,
        source=subject.source,
    )
    described.check(config)
    folder.mkdir(parents=True, exist_ok=True)
    files = [form.write(graph, folder) for graph in graphs_of(network, config, form.targets)]
    described.write(folder)
    manifest.write(folder, parts_of(folder))
    return files


def write_onnx(graph: Graph, folder: Path) -> Path:
    """Through the exporter that needs no package besides onnx."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise UnavailableError("export to ONNX needs the package onnx: pip install onnx") from error
    path = folder / f"{graph.name}.onnx"
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about constants: the tests run the graphs with other sizes
        torch.onnx.export(
            graph.module,
            tuple(graph.inputs.values()),
            str(path),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes=graph.axes(),
            opset_version=OPSET,
            dynamo=False,
        )
    if graph.is_large:
        _halve_kernels(path)
    return path


def _halve_kernels(path: Path) -> None:
    """Stores the convolutions' kernels in a file of ONNX in half precision, as weights files have them; they
    are used in single.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    kernels = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
    casts = []
    for stored in model.graph.initializer:
        if stored.name in kernels and stored.data_type == onnx.TensorProto.FLOAT:
            name = stored.name
            half = numpy_helper.to_array(stored).astype(np.float16)
            stored.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(onnx.helper.make_node("Cast", [stored.name], [name], to=onnx.TensorProto.FLOAT))
    for number, cast in enumerate(casts):
        model.graph.node.insert(number, cast)
    onnx.save(model, path)


def write_torch_export(graph: Graph, folder: Path) -> Path:
    """For torch.export.load; torchvision must be imported there, for RoIAlign."""
    targets = torch.export.Dim("targets", min=1, max=256)
    axes = graph.axes()
    shapes: list[Any] = [dict.fromkeys(axes.get(name, ()), targets) for name in graph.inputs]
    with torch.no_grad():
        program = torch.export.export(
            graph.module, tuple(graph.inputs.values()), dynamic_shapes=tuple(shapes)
        )
    path = folder / f"{graph.name}.pt2"
    torch.export.save(program, path)
    return path


ONNX = Format(write_onnx, ".onnx", targets=1)  # a CPU gains nothing by a batch, and a lot by fixed shapes
TORCH_EXPORT = Format(write_torch_export, ".pt2", targets=0)
