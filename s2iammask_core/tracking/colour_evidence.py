"""What the colours of a patch say about its pixels, once masks have said roughly where the object is.

Deep features lie eight pixels apart and miss what looks unlike the object's middle; its colours are known to
the pixel. The histograms are those of one patch alone, so that a mistake in one frame does not stay.
"""

from functools import cache

import torch
from torch import Tensor

BINS = 16  # of each of red, green and blue
SHADE = 256 // BINS  # levels of a bin
STRONGEST = 3.0  # logarithm of the odds that a colour may speak for or against a pixel
RARE = 1e-5  # share of a colour that was never seen


def shades(patches: Tensor) -> Tensor:
    """(N, P * P) int64: the bin of each pixel of patches (N, 3, P, P), red, green and blue, 0..255."""
    red, green, blue = (patches.clamp(0, 255) / SHADE).to(torch.int32).flatten(2).unbind(dim=1)
    return ((red * BINS + green) * BINS + blue).long()


def colour_evidence(shades: Tensor, masks: Tensor) -> Tensor:
    """The logarithm of how much more often the object shows a colour than what is around it.

    Args:
        shades: (N, P * P) the pixels' bins.
        masks: (N, P * P) float32, the chance in [0, 1] that a pixel is the object. Where it is 0, no mask
            looked, and the pixel does not count.

    Returns:
        (N, BINS ** 3) float32 in [-3, 3].
    """
    weights = torch.stack([masks, (masks > 0).float()], dim=1)  # object, and all that was looked at
    counts = weights.new_zeros((weights.shape[0], 2, BINS**3))  # len would fix the number in an export
    object_, both = counts.scatter_add(2, shades[:, None].expand(-1, 2, -1), weights).unbind(dim=1)
    shares = _smooth(torch.stack([object_, both - object_], dim=1))
    shares = shares / shares.sum(dim=2, keepdim=True).clamp(min=1) + RARE
    return (shares[:, 0] / shares[:, 1]).log().clamp(-STRONGEST, STRONGEST)


def _smooth(counts: Tensor) -> Tensor:
    """Counts (N, 2, BINS ** 3) with half of each given to its neighbours: a shade may fall on either side."""
    mix = _mix(counts.device)
    cube = (mix @ counts.unflatten(2, (BINS, -1))).unflatten(3, (BINS, BINS))
    smoothed: Tensor = mix @ cube @ mix
    return smoothed.flatten(2)


# or each compiled step would make it anew, on the host
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _mix(device: torch.device) -> Tensor:
    """(BINS, BINS): the share of each bin in each; symmetric."""
    return _kept_mix(device)


@cache  # for good: captured steps read it where it lies
def _kept_mix(device: torch.device) -> Tensor:
    mix = torch.eye(BINS) / 2
    mix[range(BINS - 1), range(1, BINS)] = mix[range(1, BINS), range(BINS - 1)] = 0.25
    mix[0, 0] = mix[-1, -1] = 0.75
    return mix.to(device)
