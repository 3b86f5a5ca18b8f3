"""Bilinear sampling of tensors, on any device and without waiting for the host: patches out of a frame, and
masks into a patch. Conventions as in `geometry`.
"""

import torch
from torch import Tensor

from s2iammask_core.geometry import Crop


def cut(frame: Tensor, crop: Crop[Tensor], border: Tensor) -> Tensor:
    """Patches (N, 3, P, P) float32 of a frame (H, W, 3); border (N, 3) fills what lies outside."""
    height, width, _ = frame.shape
    steps = (torch.arange(crop.pixels, device=frame.device) + 0.5) / crop.pixels - 0.5  # (P,)
    places = crop.centers[:, :, None] + steps * crop.sides[:, None, None] - 0.5  # (N, 2, P)
    (left, right), x_part = _taps(places[:, 0], width)
    (above, below), y_part = _taps(places[:, 1], height)
    x_part, y_part = x_part[:, None, :, None], y_part[:, :, None, None]
    upper = torch.lerp(_pixels(frame, above, left, border), _pixels(frame, above, right, border), x_part)
    lower = torch.lerp(_pixels(frame, below, left, border), _pixels(frame, below, right, border), x_part)
    return torch.lerp(upper, lower, y_part).permute(0, 3, 1, 2)  # (N, 3, P, P)


def _taps(places: Tensor, size: int) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """The two pixels beside each place (N, P), and the share of the second; -1 and size mean outside."""
    near = places.floor()
    low, high = near.clamp(-1, size).long(), (near + 1).clamp(-1, size).long()
    return (low, high), (places - near).float()


def _pixels(frame: Tensor, rows: Tensor, columns: Tensor, border: Tensor) -> Tensor:
    """Pixels (N, P, P, 3) at rows (N, P) and columns (N, P); the border's colour outside the frame."""
    height, width, _ = frame.shape
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    found = frame[rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
    return torch.where(inside[..., None], found.float(), border[:, None, None, :].float())


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
