"""The worst moments of a run as pictures: the truth as a green line, the answer in magenta."""

from dataclasses import dataclass

import cv2
import numpy as np

from s2iammask_core.boxes import Points
from s2iammask_core.evaluation.reports.record import Timeline
from s2iammask_core.evaluation.sequences.masks import Labels
from s2iammask_core.geometry import HostFrame

TRUTH_COLOR = (40, 220, 80)
ANSWER_COLOR = (235, 0, 160)

Outlines = tuple[Points, ...]  # polygons (M, 2), frame pixels; what two of them have in common is a hole

_BITS = 4  # of a pixel, in OpenCV's fixed point numbers


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A frame and what lies on it."""

    frame: HostFrame
    truth: Outlines = ()
    answer: Outlines = ()

    def picture(self, width: int) -> HostFrame:
        """The frame (h, width, 3) with both shapes, scaled."""
        scale = width / self.frame.shape[1]
        size = (width, max(round(self.frame.shape[0] * scale), 1))
        smaller = cv2.resize(
            self.frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        canvas = np.ascontiguousarray(smaller, np.uint8)
        answer, truth = _scaled(self.answer, scale), _scaled(self.truth, scale)
        tinted = cv2.fillPoly(canvas.copy(), answer, ANSWER_COLOR, shift=_BITS)
        cv2.addWeighted(tinted, 0.35, canvas, 0.65, 0, dst=canvas)
        cv2.polylines(canvas, answer, True, ANSWER_COLOR, 1, cv2.LINE_AA, shift=_BITS)
        cv2.polylines(canvas, truth, True, TRUTH_COLOR, 2, cv2.LINE_AA, shift=_BITS)
        return canvas


def _scaled(outlines: Outlines, scale: float) -> list[cv2.typing.MatLike]:
    """Outlines as OpenCV takes them: sixteenths of a pixel, counted from the first pixel's centre."""
    return [np.round((each * scale - 0.5) * (1 << _BITS)).astype(np.int32) for each in outlines]


def label_outlines(labels: Labels) -> Outlines:
    """The outlines of all objects of a label image (H, W), and of the holes in them."""
    outlines: list[Points] = []
    for object_id in np.flatnonzero(np.bincount(labels.ravel())[1:]) + 1:
        mask = (labels == object_id).astype(np.uint8)
        found = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)[-2]
        outlines += [contour[:, 0].astype(np.float32) + np.float32(0.5) for contour in found]
    return tuple(outlines)


def worst_frames(timeline: Timeline, count: int) -> list[tuple[int, float]]:
    """The frames (index, value) with the lowest values, the worst first, not close to each other."""
    gap = max(len(timeline.frames) // (4 * count), 1)
    worst: list[tuple[int, float]] = []
    order = np.argsort(np.where(np.isnan(timeline.values), np.inf, timeline.values), kind="stable")
    for position in order[: int(np.isfinite(timeline.values).sum())]:
        frame = int(timeline.frames[position])
        if all(abs(frame - other) >= gap for other, _ in worst):
            worst.append((frame, float(timeline.values[position])))
        if len(worst) == count:
            break
    return worst
