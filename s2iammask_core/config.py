"""The numbers a user may change, each once: default, meaning, unit and range.

The YAML reader, the command line and the ROS parameters are all made from these fields.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from s2iammask_core.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")


def setting(
    default: Any,
    meaning: str,
    low: float | None = None,
    high: float | None = None,
    *,
    choices: tuple[str, ...] = (),
    live: bool = False,
) -> Any:
    """A dataclass field that knows its meaning, its range, and whether it may change while tracking."""
    metadata = {"meaning": meaning, "low": low, "high": high, "choices": choices, "live": live}
    return field(default=default, metadata=metadata)


def check(settings: "DataclassInstance") -> None:
    """Raises ConfigError for the first field that has the wrong type or lies outside its range."""
    for each in fields(settings):
        if "meaning" in each.metadata:
            _check_value(each, getattr(settings, each.name))


@dataclass(frozen=True)
class Checked:
    """Settings that cannot be made with a value of the wrong type or out of range: ConfigError names it."""

    def __post_init__(self) -> None:
        check(self)


def _check_value(field_: "Field[Any]", value: Any) -> None:
    default, low, high = field_.default, field_.metadata["low"], field_.metadata["high"]
    choices = field_.metadata["choices"]
    if not _same_kind(value, default):
        raise ConfigError(f"{field_.name} must be {_kind(default)}, got {value!r}{_hint(value, default)}")
    if choices and value not in choices:
        raise ConfigError(f"{field_.name} must be one of {', '.join(choices)}; got {value!r}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        below, above = low is not None and value < low, high is not None and value > high
        if below or above or not math.isfinite(value):
            raise ConfigError(f"{field_.name} must lie in [{low}, {high}], got {value}")


def _kind(default: Any) -> str:
    return "a list" if isinstance(default, tuple) else type(default).__name__


def _hint(value: Any, default: Any) -> str:
    """YAML takes 1e-3 for a text."""
    number = isinstance(default, float) and isinstance(value, str) and "e" in value.lower()
    return "; in YAML such a number has a point: 1.0e-3" if number else ""


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float))
    return isinstance(value, type(default))


def from_mapping(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Settings from names and values; ConfigError for an unknown name, with the nearest known ones."""
    known = {each.name: each for each in fields(kind)}
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(sorted(known))}"
            raise ConfigError(f"unknown setting {name!r} in {kind.__name__}{hint}")
    return kind(**values)


LEAST_MARGIN = 32  # pixels; it leaves more candidates than there can be proposals
VARIANTS = ("siammask_box", "siammask_base", "siammask_sharp", "s2iammask")
BACKBONES = ("small", "resnet50")


@dataclass(frozen=True)
class NetworkConfig(Checked):
    """Which network: the variant and, for s2iammask, its second stage (SiamMask: Wang et al. 2019)."""

    variant: str = setting("s2iammask", "network variant", choices=VARIANTS)
    mask_head: str = setting("g2", "second-stage head: g2 fusion FCN or g1 plain FCN", choices=("g1", "g2"))
    backbone: str = setting(
        "",
        "small or resnet50; by default small for s2iammask and resnet50 for siammask",
        choices=("", *BACKBONES),
    )
    mask_detail: bool = setting(
        True, "region masks of 56 x 56 instead of 28 x 28, with outlines from the backbone's early features"
    )
    head_input: str = setting(
        "both", "what the second stage pools", choices=("both", "correlation", "search")
    )
    blocks: int = setting(4, "blocks of the small backbone at stride 8", 3, 8)
    memory: bool = setting(
        True,
        "the second stage remembers the pixels of the first frame and the mask of the last; needs detail",
    )

    first_mask: bool = setting(
        True, "the mask of a first box is found by a part of its own; with memory only"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant != "s2iammask" and self.backbone == "small":
            raise ConfigError(f"{self.variant} has the backbone resnet50; small is for s2iammask")
        if self.variant == "s2iammask" and self.memory and not self.mask_detail:
            raise ConfigError("memory needs mask_detail: set both to false, or mask_detail to true")

    @property
    def has_first_mask(self) -> bool:
        """Whether the mask of a first box is found by a part of its own."""
        return self.variant == "s2iammask" and self.memory and self.first_mask

    @property
    def is_small(self) -> bool:
        """Whether the backbone is the small one."""
        return self.variant == "s2iammask" and self.backbone != "resnet50"


@dataclass(frozen=True)
class TrackerConfig(Checked):
    """How network outputs become one box, mask, confidence and state per target and frame."""

    compat: str = setting(
        "s2iammask",
        "s2iammask: voting and exact geometry; siammask: the original SiamMask step, number for number",
        choices=("s2iammask", "siammask"),
    )
    context: float = setting(0.5, "margin around the object, in mean side lengths", 0.0, 2.0)
    template_pixels: int = setting(127, "side of the template patch, pixels", 95, 511)
    search_pixels: int = setting(
        255, "side of the search patch, pixels; that of the template + 32, 40, 48 and so on", 127, 1023
    )
    penalty_k: float = setting(
        0.3, "how strongly a change of size or aspect is punished", 0.0, 1.0, live=True
    )
    window_influence: float = setting(
        0.25, "weight of the cosine window over the position", 0.0, 1.0, live=True
    )
    size_rate: float = setting(0.5, "how fast the box branch's size follows, per frame", 0.0, 1.0, live=True)
    temporal_weight: float = setting(
        0.15,
        "weight of the overlap with the previous box in the re-scoring; the score has the rest",
        0.0,
        1.0,
        live=True,
    )
    proposals: int = setting(10, "number of proposals whose masks vote (K)", 1, 100)
    mask_regions: int = setting(
        3,
        "masks that are predicted; proposals without one vote with the nearest; 0 gives each its own",
        0,
        100,
    )
    proposal_nms: float = setting(1.0, "IoU above which a lower proposal is dropped; 1 keeps all", 0.0, 1.0)
    roi_scale: float = setting(
        1.7, "enlargement of a proposal before its mask is predicted", 1.0, 3.0, live=True
    )
    mask_threshold: float = setting(
        0.42, "probability above which a pixel of a mask votes", 0.0, 1.0, live=True
    )
    reach_threshold: float = setting(
        0.25,
        "the same for the wider mask that decides where to look next; at least mask_threshold: no wider mask",
        0.0,
        1.0,
        live=True,
    )
    vote_fraction: float = setting(
        0.55, "share of the votes that makes a pixel foreground", 0.0, 1.0, live=True
    )
    colour_weight: float = setting(
        0.75,
        "how strongly the colours of a frame decide about the pixels of its masks; 0: they do not",
        0.0,
        5.0,
        live=True,
    )
    remember: bool = setting(
        True,
        "pixels of the first frame and the mask of the last are remembered, by networks that can",
    )
    min_mask_area: float = setting(
        100.0,
        "smallest mask, in square frame pixels, that gives the rotated box and the state",
        0.0,
        1e6,
        live=True,
    )
    min_mask_fit: float = setting(
        0.3,
        "IoU of the mask's upright box with the best proposal below which the proposal gives the box",
        0.0,
        1.0,
        live=True,
    )
    state_from_mask: bool = setting(
        False, "the voted mask, not the box branch, decides the next search region", live=True
    )
    tracking_above: float = setting(
        0.5, "confidence from which a target counts as tracked, not as uncertain", 0.0, 1.0, live=True
    )
    uncertain_below: float = setting(
        0.4, "confidence below which a target becomes uncertain", 0.0, 1.0, live=True
    )
    lost_below: float = setting(
        0.1, "confidence below which a frame counts towards lost", 0.0, 1.0, live=True
    )
    lost_after: int = setting(
        5, "consecutive frames below lost_below that make a target lost", 1, 1000, live=True
    )
    redetect_patches: int = setting(
        4,
        "extra windows a frame that search for lost targets; 0 looks only where they were",
        0,
        64,
        live=True,
    )
    redetect_hints: int = setting(
        4, "the same at places that a detector hints at; 0 ignores hints", 0, 64, live=True
    )
    redetect_score: float = setting(0.5, "smallest score of an accepted find", 0.0, 1.0, live=True)
    redetect_agreement: float = setting(
        0.5, "smallest agreement of the votes for an accepted find", 0.0, 1.0, live=True
    )
    redetect_similarity: float = setting(
        0.45,
        "smallest similarity of a find to the target in remembered pixels (else kernels) and in colours",
        -1.0,
        1.0,
        live=True,
    )
    check_every: int = setting(
        6,
        "frames from one look whether what is tracked is still like the target to the next; 0: none",
        0,
        1000,
        live=True,
    )
    check_similarity: float = setting(
        0.45,
        "smallest similarity of what is tracked to the target, as a share of what it was lately",
        0.0,
        1.0,
        live=True,
    )
    refine_every: int = setting(
        0,
        "frames from one mask that the network for first boxes makes finer to the next; 0: none",
        0,
        1000,
        live=True,
    )
    max_targets: int = setting(16, "most targets at a time", 1, 256)

    def __post_init__(self) -> None:
        super().__post_init__()
        margin = self.search_pixels - self.template_pixels
        if margin < LEAST_MARGIN or margin % 8:
            raise ConfigError(
                f"search_pixels must be template_pixels plus a multiple of 8, {LEAST_MARGIN} or more; "
                f"got {self.search_pixels} and {self.template_pixels}"
            )
        if not self.lost_below <= self.uncertain_below <= self.tracking_above:
            raise ConfigError("thresholds must rise: lost_below <= uncertain_below <= tracking_above")


@dataclass(frozen=True)
class RuntimeConfig(Checked):
    """How a step is executed; the results agree within tolerance."""

    device: str = setting(
        "auto",
        "auto, cpu, cuda or cuda:N, or a device of OpenVINO such as GPU or NPU; auto takes the NVIDIA GPU if "
        "there is one",
    )
    runtime: str = setting(
        "auto",
        "how the step runs; auto tries the ways of the device and takes the first that answers rightly",
        choices=("auto", "openvino", "onnxruntime", "tensorrt", "eager", "compiled", "graph"),
    )
    precision: str = setting(
        "auto",
        "number format of the network; auto: fp16 on a GPU, bf16 on a CPU that multiplies it, else fp32",
        choices=("auto", "fp32", "tf32", "bf16", "fp16"),
    )
    threads: int = setting(
        0, "CPU threads of the network; 0: one for each physical core that the process may use", 0, 1024
    )
