"""The settings that a step reads."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeAlias

from s2iammask_core.config import TrackerConfig

if TYPE_CHECKING:
    from torch import Tensor

SLACK = 1e-4  # of vote_fraction, so that 6 of 10 votes is a share of 0.6 in floating point as well

Number: TypeAlias = "float | Tensor"  # a tensor without dimensions where an exported graph takes it as input


@dataclass(frozen=True, slots=True)
class StepSettings:
    """Those of a TrackerConfig that a step depends on; config.TrackerConfig says what they mean."""

    template_pixels: int
    search_pixels: int
    proposals: int
    mask_regions: int
    proposal_nms: float
    penalty_k: Number
    roi_scale: Number
    mask_threshold: Number
    reach_threshold: Number
    vote_fraction: Number
    colour_weight: Number

    @classmethod
    def of(cls, config: TrackerConfig) -> "StepSettings":
        return cls(*(getattr(config, each.name) for each in fields(cls)))


_KNOWN = {each.name: each.metadata["live"] for each in fields(TrackerConfig)}
LIVE = tuple(each.name for each in fields(StepSettings) if _KNOWN[each.name])  # may change while tracking
FIXED = tuple(each.name for each in fields(StepSettings) if not _KNOWN[each.name])  # make a step's shapes
