"""What a run begins with: data sets, weights, the optimiser, and which parts are trained."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from s2iammask_core.data.annotations import VideoSet
from s2iammask_core.data.readers.coco import read_coco
from s2iammask_core.data.readers.crops import read_prepared
from s2iammask_core.data.readers.davis import read_davis
from s2iammask_core.data.readers.imagenet_det import read_imagenet_det
from s2iammask_core.data.readers.imagenet_vid import read_imagenet_vid
from s2iammask_core.data.readers.youtube_vos import read_youtube_vos
from s2iammask_core.data.stills import read_stills
from s2iammask_core.errors import ConfigError, DatasetError, WeightsError
from s2iammask_core.files.texts import read_names
from s2iammask_core.model import checkpoint
from s2iammask_core.model.imagenet import load_imagenet
from s2iammask_core.model.network import SiameseNetwork
from s2iammask_core.model.small_backbone import LEAST_BLOCKS
from s2iammask_core.training import snapshot
from s2iammask_core.training.settings import DataConfig, TrainConfig

READERS: dict[str, Callable[..., VideoSet]] = {
    "coco": read_coco,
    "crops": read_prepared,
    "davis": read_davis,
    "imagenet_det": read_imagenet_det,
    "imagenet_vid": read_imagenet_vid,
    "stills": read_stills,
    "youtube_vos": read_youtube_vos,
}
# options that every kind of data has, with their least values
SAMPLING = {"num_use": 1, "frame_range": 1, "step_range": 0}
BACKBONES = ("backbone.", "first_masks.body.")  # parts that begin with weights of ImageNet
# parts that one variant has and another has not: a later stage may begin without them
STAGE_PARTS = ("mask.", "refine.", "region_masks.", "first_masks.")
ADDED_BLOCKS = tuple(f"backbone.layer2.{number}." for number in range(LEAST_BLOCKS, 8))


def read_sets(config: TrainConfig) -> list[VideoSet]:
    """The data sets of a run."""
    return [_read_set(each) for each in config.data]


def _read_set(data: DataConfig) -> VideoSet:
    """Options are the reader's; num_use, frame_range and step_range replace its own, exclude leaves videos
    out by name.
    """
    if data.kind not in READERS:
        raise ConfigError(f"unknown kind of data {data.kind!r}; known: {', '.join(sorted(READERS))}")
    options = dict(data.options)
    excluded = options.pop("exclude", [])
    overrides: dict[str, Any] = {
        name: _count(name, options.pop(name)) for name in SAMPLING if name in options
    }
    try:
        videos = READERS[data.kind](Path(data.root), **options)
    except TypeError as error:
        raise ConfigError(f"options of data {data.kind}: {error}") from error
    videos = replace(videos, **overrides)
    if excluded:
        videos = _without(videos, excluded)
    if not len(videos.videos):
        raise DatasetError(f"data {data.kind} in {data.root} has no object to train on")
    return videos


def _count(name: str, value: object) -> int:
    least = SAMPLING[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(f"option {name} of data must be a number of {least} or more, got {value!r}")
    return value


def _without(videos: VideoSet, excluded: object) -> VideoSet:
    """All but the videos that a list, or a file with a name a line, names; each name must be there, or what
    was to be held out would be trained on.
    """
    if isinstance(excluded, str):
        try:
            excluded = read_names(Path(excluded))
        except DatasetError as error:
            raise ConfigError(f"option exclude of data names a file of names: {error}") from error
    if not isinstance(excluded, list | tuple):
        raise ConfigError(f"option exclude of data must be a list of names or a file, got {excluded!r}")
    named = [each.name for each in videos.videos]
    if unknown := sorted(set(map(str, excluded)) - set(named)):
        raise ConfigError(f"option exclude of data names what {videos.name} has not: {', '.join(unknown)}")
    kept = [index for index, name in enumerate(named) if name not in set(map(str, excluded))]
    return replace(videos, videos=[videos.videos[index] for index in kept])


def initial_network(config: TrainConfig) -> SiameseNetwork:
    """The network with random weights from the run's seed, or with those of `initial` where they fit."""
    torch.manual_seed(config.seed)
    network = SiameseNetwork(config.network)
    if config.initial.endswith(".npz"):
        load_imagenet(network.backbone, config.initial)
    elif config.initial:
        _take_over(network, _weights(config.initial), config.initial)
    if config.initial_masks.endswith(".npz") and network.first_masks is not None:
        load_imagenet(network.first_masks.body, config.initial_masks)
    elif config.initial_masks:
        _take_over_masks(network, _weights(config.initial_masks), config.initial_masks)
    return network


@torch.no_grad()
def begin_memory(network: SiameseNetwork, patches: Tensor) -> None:
    """Gives a memory that never learned anything keys that tell features of patches (N, 3, P, P) apart."""
    if network.memory is not None and not network.region_masks.recall.weight.any():
        _, early, _, deep = network.backbone(patches)
        network.memory.begin(early, deep)


def _weights(path: str) -> Mapping[str, Tensor]:
    if path.endswith(".safetensors"):
        return checkpoint.load(path)[0].state_dict()
    state = snapshot.read(path)
    chosen: dict[str, Any] = state["average"] or state["network"]
    return chosen


def _take_over(network: SiameseNetwork, weights: Mapping[str, Tensor], source: str) -> None:
    """Copies all weights; parts of other stages may be missing or left over, added blocks missing."""
    own = network.state_dict()
    added = {name for name in own.keys() - weights.keys() if name.startswith(ADDED_BLOCKS)}
    different = (own.keys() ^ weights.keys()) - added
    different |= {name for name in own.keys() & weights.keys() if own[name].shape != weights[name].shape}
    wrong = sorted(name for name in different if not name.startswith(STAGE_PARTS))
    if wrong:
        raise WeightsError(f"{source} does not fit {network.config.variant}: {', '.join(wrong)}")
    network.load_state_dict(
        {k: v for k, v in weights.items() if k in own and k not in different}, strict=False
    )


def _take_over_masks(network: SiameseNetwork, weights: Mapping[str, Tensor], source: str) -> None:
    """Copies the weights of all mask parts; each must be there and fit."""
    own = {name: value for name, value in network.state_dict().items() if name.startswith(STAGE_PARTS)}
    wrong = [k for k, value in own.items() if k not in weights or weights[k].shape != value.shape]
    if wrong or not own:
        parts = ", ".join(sorted(wrong)) or "no mask parts"
        raise WeightsError(f"masks of {source} do not fit {network.config.variant}: {parts}")
    network.load_state_dict({name: weights[name] for name in own}, strict=False)


def network_of(path: Path | str) -> SiameseNetwork:
    """The network of a snapshot, in evaluation mode: the moving average of its weights if there is one."""
    state = snapshot.read(path)
    if "config" not in state:
        raise WeightsError(f"{path} does not say which network it is for")
    network = SiameseNetwork(checkpoint.network_config(state["config"]))
    network.load_state_dict(state["average"] or state["network"])
    return network.eval()


def make_optimizer(network: SiameseNetwork, config: TrainConfig) -> torch.optim.Optimizer:
    """One optimiser over all parameters that are trained at any time, so that unfreezing loses no
    momentum.
    """
    prefixes = (*config.trained, *config.unfrozen)
    chosen = [(name, p) for name, p in network.named_parameters() if name.startswith(prefixes)]
    if not chosen:
        raise ConfigError(
            f"trained and unfrozen name no part of {config.network.variant}: {', '.join(prefixes)}"
        )
    backbone = [p for name, p in chosen if name.startswith(BACKBONES)]
    rest = [p for name, p in chosen if not name.startswith(BACKBONES)]
    groups = [
        {"params": parameters, "rate": rate}
        for parameters, rate in ((rest, 1.0), (backbone, config.optimizer.backbone_rate))
        if parameters
    ]
    options = config.optimizer
    if options.name == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=options.momentum, weight_decay=options.weight_decay)
    return torch.optim.AdamW(groups, lr=0.0, weight_decay=options.weight_decay)


def set_trained(network: SiameseNetwork, config: TrainConfig, epoch: int) -> None:
    """Lets just those parts learn that are trained in an epoch; all others keep weights and statistics."""
    prefixes = config.trained
    if epoch >= config.unfreeze_at * config.epochs:
        prefixes = (*prefixes, *config.unfrozen)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith(prefixes))
    network.eval()
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and name.startswith(prefixes):
            _set_norm(module, config.backbone_norm if name.startswith(BACKBONES) else config.head_norm)


def _set_norm(norm: nn.BatchNorm2d, mode: str) -> None:
    norm.train(mode == "train")
    if mode == "frozen":
        norm.requires_grad_(False)
