"""The refine module of SiamMask-sharp: one 127 x 127 mask per score cell from correlation and skip
features.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# of the windows that one score cell sees in f0, f1, f2: side, stride, and zeros around the map at inference
WINDOWS = ((61, 4, 16), (31, 2, 8), (15, 1, 4))


def _pair(inputs: int, middle: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, middle, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(middle, outputs, 3, padding=1),
        nn.ReLU(),
    )


class Refine(nn.Module):
    """Top-down fusion of the correlation vector with windows of f2, f1 and f0 (SiamMask, figure 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.deconv = nn.ConvTranspose2d(256, 32, 15, 15)
        self.v0, self.v1, self.v2 = _pair(64, 16, 4), _pair(256, 64, 16), _pair(512, 128, 32)
        self.h0, self.h1, self.h2 = _pair(4, 4, 4), _pair(16, 16, 16), _pair(32, 32, 32)
        self.post0 = nn.Conv2d(32, 16, 3, padding=1)
        self.post1 = nn.Conv2d(16, 4, 3, padding=1)
        self.post2 = nn.Conv2d(4, 1, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1)

    def forward(self, vectors: Tensor, windows: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Mask logits (M, 127, 127) of correlation vectors (M, 256) and windows (M, C, side, side) of f0,
        f1, f2.
        """
        w0, w1, w2 = windows
        x = self.deconv(vectors[:, :, None, None])  # (M, 32, 15, 15)
        x = self.post0(F.interpolate(self.h2(x) + self.v2(w2), size=31))
        x = self.post1(F.interpolate(self.h1(x) + self.v1(w1), size=61))
        logits: Tensor = self.post2(F.interpolate(self.h0(x) + self.v0(w0), size=127))
        return logits[:, 0]  # (M, 127, 127)


def window_at(features: Tensor, rows: Tensor, columns: Tensor, level: int, *, padded: bool = True) -> Tensor:
    """The window of score cell (rows[m], columns[m]) in sample m; without a host round trip.

    Args:
        features: (M, C, H, W), f0, f1 or f2 according to level 0, 1, 2.
        rows, columns: (M,) cells of the score map.

    Returns:
        (M, C, side, side)
    """
    side, stride, zeros = WINDOWS[level]
    if padded:
        features = F.pad(features, (zeros,) * 4)
    steps = torch.arange(side, device=features.device)
    y = (rows * stride)[:, None] + steps  # (M, side)
    x = (columns * stride)[:, None] + steps
    sample = torch.arange(rows.shape[0], device=features.device)[:, None, None]
    picked = features.permute(0, 2, 3, 1)[sample, y[:, :, None], x[:, None, :]]  # (M, side, side, C)
    return picked.permute(0, 3, 1, 2)


def all_windows(features: Tensor, level: int) -> Tensor:
    """Windows of every score cell of unpadded features, sample-major then row-major: (M, C, side, side)."""
    side, stride, _ = WINDOWS[level]
    unfolded = features.unfold(2, side, stride).unfold(3, side, stride)  # (N, C, S, S, side, side)
    return unfolded.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
