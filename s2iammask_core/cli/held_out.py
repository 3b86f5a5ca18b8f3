"""Validation while training: tracks held-out sequences from boxes, without any further truth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import torch

from s2iammask_core.config import RuntimeConfig
from s2iammask_core.data.readers.davis import read_davis as listed_davis
from s2iammask_core.errors import ConfigError
from s2iammask_core.evaluation.repeated import MaskRun, held_out_runs, repeated, summary
from s2iammask_core.evaluation.sequences.masks import read_davis
from s2iammask_core.evaluation.sequences.starts import Starts
from s2iammask_core.model.network import SiameseNetwork
from s2iammask_core.runtime.torch_tracker import make_tracker
from s2iammask_core.tracking.tracker import Tracker
from s2iammask_core.training.settings import ValidationConfig


def held_out(config: ValidationConfig) -> Callable[[SiameseNetwork], dict[str, float]] | None:
    """A function from a network to mean J, F and box IoU, all in [0, 1]; None without held-out sequences.

    "score", by which the best epoch is chosen, is J where the network has masks, else the box IoU.
    """
    if not config.root:
        return None
    runs = _runs(config)

    def validate(network: SiameseNetwork) -> dict[str, float]:
        with _own_products():
            found = summary(list(repeated(_tracker(network), runs)))
        boxes = {"box_iou": found["box_iou"].value}
        if network.mask_source == "none":
            return {"score": boxes["box_iou"], **boxes}
        j, f = found["j_mean"], found["f_mean"]
        return {"score": j.value, "j": j.value, "f": f.value, **boxes}

    return validate


@contextmanager
def _own_products() -> Iterator[None]:
    """A tracker decides for the whole process whether products are of TF32; the training decides anew."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def _tracker(network: SiameseNetwork) -> Tracker:
    """One as users have it, of a copy: it changes what it is made of, and the training goes on."""
    return make_tracker(deepcopy(network), runtime=RuntimeConfig(str(network.device), "eager"))


def _runs(config: ValidationConfig) -> tuple[MaskRun, ...]:
    root = Path(config.root)
    listed = [video.name for video in listed_davis(root).videos]
    if missing := set(config.sequences) - set(listed):
        raise ConfigError(
            f"validation.sequences names what {config.root} has not: {', '.join(sorted(missing))}"
        )
    sequences = read_davis(root, "2016", config.sequences or listed)
    thinned = [each.thinned(config.every) for each in sequences]
    runs = held_out_runs(thinned, Starts(config.starts, config.reverse), "box")
    if not runs:
        raise ConfigError(
            f"validation.every {config.every} leaves no frame of {config.root} between the first and the last"
        )
    return runs
