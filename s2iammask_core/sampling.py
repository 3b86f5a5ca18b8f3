"""Bilinear sampling of tensors, on any device and without waiting for the host: patches out of a frame, and
masks into a patch. Conventions as in `geometry`.
"""

import torch
from torch import Tensor

from s2iammask_core.geometry import Crop


def cut(pixels: Tensor, frames: Tensor, crop: Crop[Tensor], border: Tensor) -> Tensor:
    """Patches (N, 3, P, P) float32, in whole grey levels, of windows of frames that lie in one store.

    Args:
        pixels: (M, 3) uint8, the store: rows of one or more frames.
        frames: (N, 3) integers, of the frame of each window: the pixel of the store that its first pixel is,
            or would be if its first rows are not there; its height and its width. All rows that a window
            reaches must be there.
        crop: N windows.
        border: (N, 3), the colour outside the frame.
    """
    first, height, width = frames.long()[:, :, None].unbind(dim=1)  # each (N, 1)
    steps = (torch.arange(crop.pixels, device=pixels.device) + 0.5) / crop.pixels - 0.5  # (P,)
    places = crop.centers[:, :, None] + steps * crop.sides[:, None, None] - 0.5  # (N, 2, P)
    near = places.floor()
    parts = (places - near).float()  # of the second of the two pixels beside each place
    columns, rows = torch.cat([near, near + 1], dim=2).long().unbind(dim=1)  # (N, 2 P): left and right ones
    inside = _inside(rows, height)[:, :, None] & _inside(columns, width)[:, None, :]
    starts = first + torch.minimum(rows.clamp(min=0), height - 1) * width
    index = starts[:, :, None] + torch.minimum(columns.clamp(min=0), width - 1)[:, None, :]
    # a place that is not there would end all work on a GPU: better a wrong pixel, which no window reaches
    found = pixels[index.clamp(0, pixels.shape[0] - 1)]  # (N, 2 P, 2 P, 3)
    shown = torch.where(inside[..., None], found.float(), border[:, None, None, :].float())
    left, right = shown.chunk(2, dim=2)
    above, below = torch.lerp(left, right, parts[:, 0, None, :, None]).chunk(2, dim=1)  # each (N, P, P, 3)
    patches = torch.lerp(above, below, parts[:, 1, :, None, None])
    return patches.round().permute(0, 3, 1, 2)


def _inside(places: Tensor, size: Tensor) -> Tensor:
    """Which rows or columns (N, 2 P) there are, of frames with so many (N, 1)."""
    return (places >= 0) & (places < size)


def paste(masks: Tensor, rois: Tensor, pixels: int) -> Tensor:
    """Masks (N, K, M, M) stretched bilinearly over their regions (N, K, 4), and 0 elsewhere: (N, K, P, P).

    Bilinear interpolation is separable, so the stretching is two matrix products for all masks at once.
    """
    columns = _stretch(rois[..., 0], rois[..., 2], masks.shape[-1], pixels)  # (N, K, P, M)
    rows = _stretch(rois[..., 1], rois[..., 3], masks.shape[-2], pixels)
    return rows @ masks.float() @ columns.transpose(-1, -2)


def _stretch(starts: Tensor, ends: Tensor, samples: int, pixels: int) -> Tensor:
    """The share (..., P, M) of each of M samples, spread evenly from starts to ends (...), in each pixel."""
    centers = torch.arange(pixels, device=starts.device) + 0.5  # (P,)
    low, high = starts[..., None], ends[..., None]
    inside = (centers >= low) & (centers < high)  # (..., P)
    places = (centers - low) / (high - low).clamp(min=1e-6) * samples - 0.5
    distance = places.clamp(0, samples - 1)[..., None] - torch.arange(samples, device=starts.device)
    return (1 - distance.abs()).clamp(min=0) * inside[..., None]
