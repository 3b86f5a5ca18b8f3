"""What a step says, as it arrives on the host."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIGURES = 9  # float32 values of an answer beside its maps: box, score, rate, agreement, voters, best
FULL_LEVEL = 255  # of a mask that is not voted on: its probability in 255ths


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step says about one patch."""

    box: tuple[float, float, float, float]  # the best proposal, x1 y1 x2 y2, patch pixels
    score: float  # [0, 1]
    rate: float  # [0, 1], score times penalty
    agreement: float  # [0, 1]
    voters: float  # level of a pixel that all masks call object
    best: int  # flat index of the best proposal: anchor, row, column
    levels: NDArray[np.uint8]  # (P, P), or (0, 0) for networks without masks
    reach: NDArray[np.uint8]  # the same, of the wider mask


def answers(
    figures: NDArray[np.float32], levels: NDArray[np.uint8], reach: NDArray[np.uint8]
) -> list[Answer]:
    """Of figures (N, FIGURES), and maps (N, P, P), which are not copied."""
    return [_answer(*each) for each in zip(figures.tolist(), levels, reach, strict=True)]


def _answer(figures: list[float], levels: NDArray[np.uint8], reach: NDArray[np.uint8]) -> Answer:
    x1, y1, x2, y2, score, rate, agreement, voters, best = figures
    return Answer((x1, y1, x2, y2), score, rate, agreement, voters, int(best), levels, reach)


def unpacked(packed: NDArray[np.uint8]) -> list[Answer]:
    """The answers in rows (N, bytes) of figures, levels and reach; their maps are views."""
    head = FIGURES * 4
    side = round(((packed.shape[1] - head) / 2) ** 0.5)
    figures = np.ascontiguousarray(packed[:, :head]).view(np.float32)
    maps = packed[:, head:].reshape(len(packed), 2, side, side)
    return answers(figures, maps[:, 0], maps[:, 1])
