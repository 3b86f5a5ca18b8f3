"""Weights in and out: our safetensors, and the published SiamMask files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from s2iammask_core.config import NetworkConfig, from_mapping
from s2iammask_core.errors import ConfigError, WeightsError
from s2iammask_core.files.outputs import write_bytes
from s2iammask_core.model.names import OFFICIAL_NAMES, ours
from s2iammask_core.model.network import SiameseNetwork, build_network

FORMAT = "s2iammask-1"  # written into each file; BGR files of others never carry it
STEM = "backbone.conv1.weight"
DAMAGED = "it is cut or damaged, or no weights; fetch it anew"


def save(network: SiameseNetwork, path: Path | str, notes: Mapping[str, str] = {}) -> None:
    """Writes weights as fp16 safetensors with the network's settings; batch-norm statistics stay fp32.

    OutputError if the file cannot be written.
    """
    tensors = {
        name: value.detach().cpu().to(torch.float16 if value.dim() > 1 else torch.float32).contiguous()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    described = asdict(network.config)
    own = {"format": FORMAT, "network": json.dumps(described)}
    write_bytes(Path(path), to_bytes(tensors, metadata={**notes, **own}))


def load(path: Path | str) -> tuple[SiameseNetwork, dict[str, str]]:
    """The network that a file of `save` holds, on the CPU, fp32, and the file's notes."""
    if Path(path).is_dir():
        raise WeightsError(
            f"{path} is a folder, but not one that `s2iammask export` wrote; name a weights file"
        )
    try:
        with safe_open(str(path), framework="pt") as file:
            notes = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"cannot read weights from {path}: {_what_it_is(Path(path)) or DAMAGED}"
        ) from error
    if notes.get("format") != FORMAT:
        raise WeightsError(
            f"{path} was not written by this package; convert it: s2iammask weights convert {path}"
        )
    try:
        network = build_network(network_config(json.loads(notes.pop("network"))))
    except (KeyError, ValueError, ConfigError) as error:
        raise WeightsError(f"{path} does not say which network it is for: {error}") from error
    notes.pop("format")
    load_exactly(network, tensors, str(path))
    return network, notes


def network_config(described: Mapping[str, Any]) -> NetworkConfig:
    """The settings that a file has of its network; older ones name no first mask, and have none."""
    return from_mapping(NetworkConfig, {"first_mask": False, **described})


def _what_it_is(path: Path, of_torch: bool = True) -> str:
    """What a file is that was taken for weights, and what to do; empty for what nobody can tell."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        return error.strerror or str(error)
    if not head:
        return "it is empty; fetch it anew"
    if head.lstrip()[:1] == b"<":
        return "it is a web page, not weights; fetch the file that the page leads to"
    if of_torch and head.startswith((b"PK", b"\x80")):
        return f"it is a checkpoint of PyTorch; convert it: s2iammask weights convert {path}"
    return ""


def average(paths: Sequence[Path | str]) -> SiameseNetwork:
    """A network whose weights are the mean of those in files of one kind, of one training line.

    Such a mean generalises better than each of them (Wortsman et al. 2022, Model soups).
    """
    if len(paths) < 2:
        raise WeightsError(f"a mean needs two files of weights or more, got {len(paths)}")
    mean, _ = load(paths[0])
    total = mean.state_dict()
    for path in paths[1:]:
        other, _ = load(path)
        if other.config != mean.config:
            raise WeightsError(f"{path} holds {other.config}, {paths[0]} {mean.config}")
        total = {name: value + total[name] for name, value in other.state_dict().items()}
    mean.load_state_dict({name: value / len(paths) for name, value in total.items()})
    return mean


def load_exactly(network: SiameseNetwork, tensors: Mapping[str, Tensor], source: str) -> None:
    """Copies tensors into a network that must have just these names and shapes; WeightsError lists what
    differs.
    """
    wanted = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    problems = [f"missing {name}" for name in wanted.keys() - tensors.keys()]
    problems += [f"unknown {name}" for name in tensors.keys() - wanted.keys()]
    problems += [
        f"{name} is {tuple(tensors[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted.keys() & tensors.keys()
        if tensors[name].shape != wanted[name].shape
    ]
    if problems:
        raise WeightsError(f"{source} does not fit {network.config.variant}: " + "; ".join(sorted(problems)))
    network.load_state_dict(dict(tensors), strict=False)


def read_official(path: Path | str) -> dict[str, Tensor]:
    """The tensors of a published or self-trained checkpoint of the original code, without unpickling any
    code.
    """
    try:
        read = torch.load(str(path), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the broken byte leads to
        reason = _what_it_is(Path(path), of_torch=False) or "it is damaged, or no checkpoint of PyTorch"
        raise WeightsError(f"cannot read a checkpoint from {path}: {reason}") from error
    state = read.get("state_dict", read) if isinstance(read, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds no table of named tensors")
    return dict(state)


def convert_official(
    state: Mapping[str, Tensor], config: NetworkConfig, source: str = "checkpoint"
) -> SiameseNetwork:
    """A network with the weights of the original code, whose input was BGR; unknown names and other shapes
    are errors.
    """
    stripped = {name.removeprefix("module."): value for name, value in state.items()}
    if not any(name.startswith(prefix) for name in stripped for prefix in OFFICIAL_NAMES):
        stripped = {f"features.{name}": value for name, value in stripped.items()}
    network = build_network(config)
    wanted = network.state_dict()
    tensors, unknown = {}, []
    for name, value in stripped.items():
        own = ours(name)
        if own is None:
            unknown.append(name)
        elif own in wanted and not name.endswith("num_batches_tracked"):
            tensors[own] = value.float()
    if unknown:
        raise WeightsError(f"{source} has names that SiamMask does not have: {', '.join(sorted(unknown))}")
    if STEM in tensors and tensors[STEM].dim() == 4:
        tensors[STEM] = tensors[STEM].flip(1)  # BGR to RGB
    load_exactly(network, tensors, source)
    return network


def guess_variant(state: Mapping[str, Tensor]) -> str:
    """The variant that a checkpoint of the original code was made for, by the parts it has."""
    names = [name.removeprefix("module.") for name in state]
    if any(name.startswith("refine_model.") for name in names):
        return "siammask_sharp"
    return "siammask_base" if any(name.startswith("mask_model.") for name in names) else "siammask_box"
