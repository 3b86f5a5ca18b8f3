"""Where to look in a frame: the windows of templates and searches around targets."""

import numpy as np

from s2iammask_core.config import TrackerConfig
from s2iammask_core.geometry import Crop, HostArray, context_side
from s2iammask_core.tracking.aim import Aim
from s2iammask_core.tracking.shapes import priors
from s2iammask_core.tracking.target import Target
from s2iammask_core.tracking.track import TrackState

FIRST_WINDOW = 0.8  # of a template's window; the network that fills boxes is trained for 0.77 to 1.3 of it
WHOLE_BOX = 1.1  # of a box's longer side: of a long thin box a window of the template's kind cuts the ends


def aim_at(targets: tuple[Target, ...], config: TrackerConfig, zoom: float = 1.0) -> Aim[HostArray]:
    """The search windows around where the targets were, `zoom` times as large as usual; nothing is expected
    of where a lost one appears.
    """
    sides = template_sides(targets, config) * (zoom * config.search_pixels / config.template_pixels)
    previous = [(t.believed.x1, t.believed.y1, t.believed.x2, t.believed.y2) for t in targets]
    seen = np.array([target.health.state is not TrackState.LOST for target in targets], np.float64)
    crop = Crop(centers(targets), sides, config.search_pixels)
    shapes = [
        target.shape if config.remember and target.health.state is not TrackState.LOST else None
        for target in targets
    ]
    return Aim(
        crop,
        np.array([(target.width, target.height) for target in targets], np.float64),
        np.array(previous, np.float64),
        borders(targets),
        seen * config.window_influence,
        seen * config.temporal_weight,
        priors(shapes, crop).astype(np.float64),
    )


def template_sides(targets: tuple[Target, ...], config: TrackerConfig) -> HostArray:
    """(N,): sides of the template windows, frame pixels."""
    return np.array([context_side(target.width, target.height, config.context) for target in targets])


def first_sides(targets: tuple[Target, ...], config: TrackerConfig) -> HostArray:
    """(N,): sides of the windows in which a first box is filled, frame pixels: the box lies inside."""
    longest = np.array([max(target.width, target.height) for target in targets])
    return np.maximum(FIRST_WINDOW * template_sides(targets, config), WHOLE_BOX * longest)


def centers(targets: tuple[Target, ...]) -> HostArray:
    """(N, 2): where the targets were, frame pixels."""
    return np.array([(target.cx, target.cy) for target in targets], np.float64)


def borders(targets: tuple[Target, ...]) -> HostArray:
    """(N, 3): colours outside the frame."""
    return np.array([target.border for target in targets], np.float64)
