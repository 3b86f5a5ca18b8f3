"""The settings of a training run, and how they are read from YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from s2iammask_core.config import VARIANTS, Checked, NetworkConfig, from_mapping, setting
from s2iammask_core.data.augment import AugmentConfig
from s2iammask_core.data.pairs import PairConfig
from s2iammask_core.errors import ConfigError
from s2iammask_core.files.yamls import read_yaml

VARIANTS_OF = {  # what each objective can train
    "proposals": VARIANTS,
    "base": ("siammask_base",),
    "sharp": ("siammask_sharp",),
    "regions": ("s2iammask",),
    "joint": ("s2iammask",),
    "first_mask": ("s2iammask",),
}
OBJECTIVES = tuple(VARIANTS_OF)
LEARNING = {  # the parts that get a gradient from each
    "proposals": ("backbone.", "neck", "score", "box"),
    "base": ("backbone.", "neck", "score", "box", "mask"),
    "sharp": ("backbone.", "neck", "mask", "refine"),
    "regions": ("mask", "region_masks"),
    "joint": ("backbone.", "neck", "score", "box", "mask", "region_masks"),
    "first_mask": ("first_masks",),
}
WHOLE = 167  # side of the smallest search patch whose features the neck leaves whole; smaller ones lose a rim


@dataclass(frozen=True)
class ScheduleConfig(Checked):
    """How the learning rate goes: a warm-up, then one of the named curves."""

    name: str = setting(
        "cos", "curve after the warm-up", choices=("log", "linear", "cos", "step", "multistep", "constant")
    )
    start: float = setting(2e-3, "learning rate after the warm-up", 1e-12, 10.0)
    end: float = setting(2e-5, "learning rate at the end (log, linear, cos)", 0.0, 10.0)
    warmup: float = setting(0.0, "length of the warm-up, epochs", 0.0, 1000.0)
    warmup_start: float = setting(1e-4, "learning rate at the first step of the warm-up", 1e-12, 10.0)
    factor: float = setting(0.1, "what step and multistep multiply by", 0.0, 1.0)
    every: float = setting(10.0, "epochs between two steps (step)", 1e-3, 1000.0)
    milestones: tuple[float, ...] = setting((), "epochs of the steps (multistep)")
    per_epoch: bool = setting(False, "the rate stays constant inside an epoch, as in the method")


@dataclass(frozen=True)
class OptimizerConfig(Checked):
    """The optimiser; rates are relative to the schedule."""

    name: str = setting("adamw", "optimiser", choices=("sgd", "adamw"))
    momentum: float = setting(0.9, "momentum (sgd)", 0.0, 1.0)
    weight_decay: float = setting(1e-4, "weight decay", 0.0, 1.0)
    clip: float = setting(10.0, "greatest norm of the gradient", 1e-6, 1e6)
    backbone_rate: float = setting(0.1, "rate of the backbone relative to the rest", 0.0, 1.0)
    worst_loss: float = setting(
        1e4, "steps with a greater or non-finite loss are skipped and counted", 0.0, 1e9
    )


@dataclass(frozen=True)
class AnchorConfig(Checked):
    """Which anchors are positive and negative examples (SiamRPN)."""

    positive_iou: float = setting(0.6, "IoU with the object above which an anchor is positive", 0.0, 1.0)
    negative_iou: float = setting(0.3, "IoU below which it is negative", 0.0, 1.0)
    positives: int = setting(16, "most positives of a pair", 1, 1024)
    examples: int = setting(64, "most positives and negatives of a pair", 1, 4096)
    negatives: int = setting(16, "negatives of a negative pair, from its 7 x 7 central cells", 1, 245)
    hard: float = setting(
        0.0, "share of the negatives that are the network's worst mistakes, not drawn", 0.0, 1.0
    )
    best_share: float = setting(
        1.0,
        "an object that no anchor fits well has as positives those with this share of the best one's IoU",
        0.5,
        1.0,
    )


@dataclass(frozen=True)
class RegionConfig(Checked):
    """The second stage's regions: the first stage's proposals, enlarged as at inference."""

    source: str = setting("proposals", "where regions come from", choices=("proposals", "truth"))
    before_nms: int = setting(1000, "best proposals that enter NMS", 1, 10000)
    nms_iou: float = setting(0.7, "IoU above which NMS drops the lower one", 0.0, 1.0)
    after_nms: int = setting(100, "proposals kept", 1, 10000)
    positive_iou: float = setting(0.5, "IoU with the object from which a proposal is used", 0.0, 1.0)
    count: int = setting(16, "most regions of a pair", 1, 256)
    scale: float = setting(1.8, "enlargement of a region", 1.0, 3.0)


@dataclass(frozen=True)
class LossConfig(Checked):
    """Weights of the losses."""

    score: float = setting(1.0, "weight of the classification loss", 0.0, 1e4)
    box: float = setting(1.2, "weight of the box loss", 0.0, 1e4)
    mask: float = setting(36.0, "weight of the mask loss", 0.0, 1e4)
    overlap: float = setting(0.0, "weight of 1 - soft IoU beside the second stage's mask loss", 0.0, 1e4)


@dataclass(frozen=True)
class DataConfig:
    """One data set: how it is read, where it lies, and its share."""

    kind: str
    root: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ValidationConfig(Checked):
    """Held-out sequences in DAVIS layout that are tracked after each epoch; none without a root."""

    root: str = setting("", "folder with JPEGImages, Annotations and ImageSets; empty: no validation")
    sequences: tuple[str, ...] = setting((), "names of the sequences; empty: all of the split")
    every: int = setting(2, "tracks every n-th frame", 1, 100)
    starts: int = setting(1, "frames of each sequence to start from, evenly spread", 1, 100)
    reverse: bool = setting(False, "tracks backwards in time as well")


@dataclass(frozen=True)
class TrainConfig(Checked):
    """A whole run."""

    output: str = setting("runs/train", "folder of snapshots and logs")
    objective: str = setting("proposals", "what is trained", choices=OBJECTIVES)
    initial: str = setting(
        "",
        "weights to begin with: a snapshot or safetensors file, or an ImageNet ResNet-50 (.npz); empty: none",
    )
    initial_masks: str = setting(
        "",
        "the same for the parts that make masks: an earlier second stage, or for objective first_mask the "
        "ImageNet ResNet-50; empty: as initial says",
    )
    epochs: int = setting(20, "number of epochs", 1, 100000)
    pairs_per_epoch: int = setting(600000, "pairs an epoch", 1, 10**9)
    batch: int = setting(64, "pairs a step, over all processes", 1, 65536)
    seed: int = setting(0, "seed of all random choices", 0, 2**31 - 1)
    trained: tuple[str, ...] = setting(
        ("neck", "score", "box"), "parts trained from the start (prefixes of parameter names)"
    )
    unfrozen: tuple[str, ...] = setting(("backbone.layer2", "backbone.layer3"), "parts trained later")
    unfreeze_at: float = setting(0.5, "share of the epochs after which these are trained", 0.0, 1.0)
    backbone_norm: str = setting(
        "train", "batch norm of unfrozen backbone parts", choices=("train", "frozen")
    )
    head_norm: str = setting("train", "batch norm of the other trained parts", choices=("train", "frozen"))
    precision: str = setting("auto", "autocast", choices=("auto", "fp32", "bf16", "fp16"))
    device: str = setting("auto", "auto, cpu, cuda or cuda:N")
    workers: int = setting(1, "processes that load pairs", 0, 256)
    ema: float = setting(0.0, "decay of the moving average of the weights; 0 keeps none", 0.0, 1.0)
    snapshot_steps: int = setting(200, "steps between two snapshots of the running epoch", 1, 10**9)
    log_steps: int = setting(20, "steps between two lines of the log", 1, 10**9)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    anchors: AnchorConfig = field(default_factory=AnchorConfig)
    regions: RegionConfig = field(default_factory=RegionConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    pairs: PairConfig = field(default_factory=PairConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    data: tuple[DataConfig, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.data:
            raise ConfigError("data must list at least one data set")
        _check_parts(self)
        _check_patches(self)

    @property
    def steps_per_epoch(self) -> int:
        return max(1, self.pairs_per_epoch // self.batch)


PARTS = {
    "network": NetworkConfig,
    "schedule": ScheduleConfig,
    "optimizer": OptimizerConfig,
    "anchors": AnchorConfig,
    "regions": RegionConfig,
    "losses": LossConfig,
    "pairs": PairConfig,
    "augment": AugmentConfig,
    "validation": ValidationConfig,
}


def from_nested(values: Mapping[str, Any]) -> TrainConfig:
    """Settings from nested names and values; ConfigError names what is unknown or out of range."""
    made = dict(values)
    for name, kind in PARTS.items():
        if name in made:
            made[name] = from_mapping(kind, _tuples(_mapping(name, made[name])))
    listed = made.get("data") or ()
    if not isinstance(listed, list | tuple):
        raise ConfigError(f"data must be a list of data sets, got {listed!r}")
    made["data"] = tuple(_data(each) for each in listed)
    return from_mapping(TrainConfig, _tuples(made))


def read_settings(path: Path | str) -> TrainConfig:
    """The settings in a YAML file; paths in it are relative to the working directory."""
    return from_nested(read_yaml(path))


def _data(entry: Any) -> DataConfig:
    values = from_mapping(DataConfig, {"kind": "", "root": "", **_mapping("an entry of data", entry)})
    for name in ("kind", "root"):
        if not isinstance(getattr(values, name), str) or not getattr(values, name):
            raise ConfigError(f"each entry of data needs {name}, a text; got {entry!r}")
    _mapping(f"options of data {values.kind}", values.options or {})
    return replace(values, options=values.options or {})


def _check_parts(config: TrainConfig) -> None:
    """Whether the objective fits the network, and the parts to be trained fit both."""
    objective, variant = config.objective, config.network.variant
    if variant not in VARIANTS_OF[objective]:
        known = " or ".join(VARIANTS_OF[objective])
        raise ConfigError(f"objective {objective} trains network.variant {known}, not {variant}")
    if objective == "first_mask" and not config.network.has_first_mask:
        raise ConfigError("objective first_mask needs network.first_mask and network.memory to be true")
    for each in (*config.trained, *config.unfrozen):
        if not isinstance(each, str) or not f"{each}.".startswith(LEARNING[objective]):
            raise ConfigError(
                f"trained and unfrozen name no part that objective {objective} teaches: {each!r}; "
                f"it teaches {', '.join(part.rstrip('.') for part in LEARNING[objective])}"
            )


def _check_patches(config: TrainConfig) -> None:
    """Whether patches lie on the network's grid and within the crops that they are cut from."""
    template, search = config.augment.template_pixels, config.augment.search_pixels
    if search < template or (search - template) % 8:
        raise ConfigError(
            f"augment.search_pixels must be augment.template_pixels plus a multiple of 8; "
            f"got {search} and {template}"
        )
    if config.objective == "sharp" and search >= WHOLE:
        raise ConfigError(f"augment.search_pixels of objective sharp must be less than {WHOLE}, got {search}")
    if config.objective in ("regions", "joint") and search < WHOLE:
        raise ConfigError(f"augment.search_pixels must be {WHOLE} or more for masks of regions, got {search}")
    for name, crop, patch in (
        ("template", config.pairs.template_crop, template),
        ("search", config.pairs.search_crop, search),
    ):
        if crop < patch:
            raise ConfigError(f"pairs.{name}_crop must be at least augment.{name}_pixels: {crop} < {patch}")


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must hold names and values, got {value!r}")
    return value


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
