"""Tracks objects through a video, each with a rotated box, a mask and a confidence."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s2iammask_core.boxes import Box as Box
    from s2iammask_core.boxes import RotatedBox as RotatedBox
    from s2iammask_core.config import RuntimeConfig as RuntimeConfig
    from s2iammask_core.config import TrackerConfig as TrackerConfig
    from s2iammask_core.errors import S2iamMaskError as S2iamMaskError
    from s2iammask_core.runs import mask_from_runs as mask_from_runs
    from s2iammask_core.runs import mask_runs as mask_runs
    from s2iammask_core.runtime import load_tracker as load_tracker
    from s2iammask_core.tracking.track import MaskRegion as MaskRegion
    from s2iammask_core.tracking.track import Track as Track
    from s2iammask_core.tracking.track import TrackState as TrackState
    from s2iammask_core.tracking.tracker import Shot as Shot
    from s2iammask_core.tracking.tracker import Tracker as Tracker
    from s2iammask_core.tracking.tracker import track_together as track_together

_HOMES = {  # imported on first use, so that a command that needs no network starts without PyTorch
    "Box": "s2iammask_core.boxes",
    "RotatedBox": "s2iammask_core.boxes",
    "RuntimeConfig": "s2iammask_core.config",
    "TrackerConfig": "s2iammask_core.config",
    "S2iamMaskError": "s2iammask_core.errors",
    "mask_from_runs": "s2iammask_core.runs",
    "mask_runs": "s2iammask_core.runs",
    "load_tracker": "s2iammask_core.runtime",
    "MaskRegion": "s2iammask_core.tracking.track",
    "Track": "s2iammask_core.tracking.track",
    "TrackState": "s2iammask_core.tracking.track",
    "Shot": "s2iammask_core.tracking.tracker",
    "Tracker": "s2iammask_core.tracking.tracker",
    "track_together": "s2iammask_core.tracking.tracker",
}


__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
