"""What the colours of a patch say about its pixels, once masks have said roughly where the object is.

Deep features lie eight pixels apart and miss what looks unlike the object's middle; its colours are known to
the pixel. The histograms are those of one patch alone, so that a mistake in one frame does not stay.
"""

from functools import lru_cache

import torch
from torch import Tensor

BINS = 16  # of each of red, green and blue
STRONGEST = 3.0  # logarithm of the odds that a colour may speak for or against a pixel
RARE = 1e-5  # share of a colour that was never seen


def colour_evidence(patches: Tensor, masks: Tensor, looked_at: Tensor) -> Tensor:
    """The logarithm of how much more often the object shows a pixel's colour than what is around it.

    Args:
        patches: (N, 3, P, P) red, green and blue, 0..255.
        masks: (N, P, P) float32, the chance in [0, 1] that a pixel is the object.
        looked_at: (N, P, P) bool, the pixels that the masks have an opinion about; only they count.

    Returns:
        (N, P, P) float32 in [-3, 3].
    """
    red, green, blue = (patches * (BINS / 256)).clamp(0, BINS - 1).long().unbind(dim=1)
    colours = ((red * BINS + green) * BINS + blue).flatten(1)  # (N, P * P)
    weights = torch.stack([masks, 1 - masks], dim=1) * looked_at[:, None]  # object and surroundings
    counts = weights.new_zeros((patches.shape[0], 2, BINS**3))
    counts = counts.scatter_add(2, colours[:, None].expand(-1, 2, -1), weights.flatten(2))
    shares = _smooth(counts)
    shares = shares / shares.sum(dim=2, keepdim=True).clamp(min=1) + RARE
    evidence = (shares[:, 0] / shares[:, 1]).log().clamp(-STRONGEST, STRONGEST)  # (N, BINS ** 3)
    return evidence.gather(1, colours).reshape(masks.shape)


def _smooth(counts: Tensor) -> Tensor:
    """Counts (N, 2, BINS ** 3) with half of each given to its neighbours: a shade may fall on either side."""
    mix = _mix(counts.device)
    cube = (mix @ counts.unflatten(2, (BINS, -1))).unflatten(3, (BINS, BINS))
    smoothed: Tensor = mix @ cube @ mix
    return smoothed.flatten(2)


@lru_cache(maxsize=16)
def _mix(device: torch.device) -> Tensor:
    """(BINS, BINS): the share of each bin in each; symmetric."""
    mix = torch.eye(BINS) / 2
    mix[range(BINS - 1), range(1, BINS)] = mix[range(1, BINS), range(BINS - 1)] = 0.25
    mix[0, 0] = mix[-1, -1] = 0.75
    return mix.to(device)
