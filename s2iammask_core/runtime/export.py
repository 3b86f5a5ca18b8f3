"""A network as files that other programs can run: one graph for templates, one for search, one for masks.

Masks are a graph of their own, because the proposals are ranked between search and masks.
"""

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import UnavailableError
from s2iammask_core.model import SiameseNetwork
from s2iammask_core.model.correlation import correlation_by_taps
from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.tracking.network import MaskSource, SearchOutput

DESCRIPTION = "network.json"
OPSET = 17  # of ONNX; RoIAlign with half-pixel coordinates came with 16
SAMPLES = 2  # targets and regions of the example inputs; 1 would be taken for a constant


@dataclass(frozen=True, slots=True)
class Exported:
    """What a folder of exported graphs says about itself."""

    variant: str
    mask_source: MaskSource
    notes: dict[str, str]  # of the weights file

    def write(self, folder: Path) -> None:
        (folder / DESCRIPTION).write_text(json.dumps(asdict(self)) + "\n")


class _Part(nn.Module):
    """A call of a prepared network."""

    def __init__(self, network: PreparedNetwork) -> None:
        super().__init__()
        self.module, self.searches, self.network = network.module, network.searches, network


class TemplateGraph(_Part):
    """Template patches to kernels."""

    def forward(self, patches: Tensor) -> Tensor:
        return self.network.template(patches)


class SearchGraph(_Part):
    """Kernels and search patches to scores, deltas and the features that masks are made of."""

    def forward(self, kernels: Tensor, patches: Tensor) -> tuple[Tensor, ...]:
        output = self.network.search(kernels, patches)
        return (output.scores, output.deltas, *output.features)


class MaskGraph(_Part):
    """Features, and the regions or score cells that are asked for, to mask logits."""

    def forward(self, places: Tensor, *features: Tensor) -> Tensor:
        nothing = features[0]
        masks = self.network.roi_masks if self.network.mask_source == "roi" else self.network.cell_masks
        return masks(SearchOutput(nothing, nothing, features), places)


Writer: TypeAlias = Callable[["Graph", Path], Path]


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph with example inputs; the first dimension of all inputs and outputs is the number of targets."""

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]

    def axes(self) -> dict[str, dict[int, str]]:
        """The dimensions of inputs and outputs that may change, by name."""
        axes = {name: {0: "targets"} for name in (*self.inputs, *self.outputs)}
        for name in ("rois", "roi_masks"):
            if name in axes:
                axes[name][1] = "regions"
        return axes


@torch.inference_mode()
def graphs_of(network: SiameseNetwork, config: TrackerConfig = TrackerConfig()) -> list[Graph]:
    """The graphs of a network, which is changed for that; fp32, on the CPU."""
    network.correlation = correlation_by_taps
    prepared = PreparedNetwork(network, torch.device("cpu"), torch.float32)
    templates = torch.rand(SAMPLES, 3, config.template_pixels, config.template_pixels) * 255
    patches = torch.rand(SAMPLES, 3, config.search_pixels, config.search_pixels) * 255
    kernels = prepared.template(templates)
    output = prepared.search(kernels, patches)
    features = {f"features_{k}": each for k, each in enumerate(output.features)}
    found = [
        Graph("template", TemplateGraph(prepared), {"patches": templates}, ("kernels",)),
        Graph(
            "search",
            SearchGraph(prepared),
            {"kernels": kernels, "patches": patches},
            ("scores", "deltas", *features),
        ),
    ]
    if prepared.mask_source == "roi":
        rois = torch.tensor([[60.0, 60.0, 180.0, 200.0]]).expand(SAMPLES, SAMPLES, 4).contiguous()
        found.append(Graph("masks", MaskGraph(prepared), {"rois": rois, **features}, ("roi_masks",)))
    elif prepared.mask_source == "cell":
        cells = torch.full((SAMPLES,), output.scores.shape[-1] ** 2 // 2)
        found.append(Graph("masks", MaskGraph(prepared), {"cells": cells, **features}, ("cell_masks",)))
    return found


def export(network: SiameseNetwork, folder: Path, write: Writer, notes: dict[str, str]) -> list[Path]:
    """Writes the graphs of a network, which is changed, and a description; returns the graphs' files."""
    described = Exported(network.config.variant, network.mask_source, notes)
    folder.mkdir(parents=True, exist_ok=True)
    files = [write(graph, folder) for graph in graphs_of(network)]
    described.write(folder)
    return files


def write_onnx(graph: Graph, folder: Path) -> Path:
    """Through the exporter that needs no package besides onnx."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise UnavailableError(
            "export to ONNX needs the package onnx: pip install s2iammask[export]"
        ) from error
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
    return path


def write_torch_export(graph: Graph, folder: Path) -> Path:
    """For torch.export.load; torchvision must be imported there, for RoIAlign."""
    targets = torch.export.Dim("targets", min=1, max=256)
    regions = torch.export.Dim("regions", min=1, max=100)
    named = {"targets": targets, "regions": regions}
    axes = graph.axes()
    shapes: list[Any] = [{d: named[n] for d, n in axes[name].items()} for name in graph.inputs]
    if graph.name == "masks":
        shapes = [shapes[0], tuple(shapes[1:])]  # the features are one variadic argument
    with torch.no_grad():
        program = torch.export.export(
            graph.module, tuple(graph.inputs.values()), dynamic_shapes=tuple(shapes)
        )
    path = folder / f"{graph.name}.pt2"
    torch.export.save(program, path)
    return path
