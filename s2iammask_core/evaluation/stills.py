"""Still scenes: does the answer stay as it is where nothing moves?

runs = still_runs(read_scenes(root, names), "box")
scores = list(repeated(tracker, runs))
print(summary(scores)["lost"], quantiles(scores, SPREADS))

The truth is that of the first frame: the others are off by half a pixel at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from s2iammask_core.evaluation import davis
from s2iammask_core.evaluation.overlap import box_overlap
from s2iammask_core.evaluation.protocols import Runnable, StartFrom, mask_box
from s2iammask_core.evaluation.quantiles import Quantile
from s2iammask_core.evaluation.repeated import RunScore
from s2iammask_core.evaluation.sequences.frames import Frames, every_nth
from s2iammask_core.evaluation.sequences.masks import Labels
from s2iammask_core.evaluation.sequences.starts import Start
from s2iammask_core.evaluation.sequences.stills import StillScene
from s2iammask_core.files.labels import VOID
from s2iammask_core.overlay import id_image
from s2iammask_core.tracking.track import Track, TrackState

SURE = 0.6  # confidence that an object which does not move should have
SPREADS = (Quantile("spread_median", "spread", 0.5), Quantile("spread_p90", "spread", 0.9))


@dataclass(frozen=True, slots=True)
class StillRun:
    """Tracking one object of a picture that trembles."""

    scene: StillScene
    start_from: StartFrom

    @property
    def start(self) -> Start:
        return Start(self.scene.name, 0, "forward")

    @property
    def frames(self) -> Frames:
        return self.scene.frames

    def on(self, frames: Frames) -> "StillRun":
        return replace(self, scene=replace(self.scene, frames=frames))

    @property
    def is_scored(self) -> bool:
        return len(self.frames) > 1

    @property
    def digest(self) -> str:
        return self.scene.digest

    def thinned(self, step: int) -> "StillRun":
        return self.on(every_nth(self.frames, step))

    def measured(self, tracker: Runnable) -> RunScore:
        """Of all frames after the first, in which the tracker is started from the truth."""
        labels = self.scene.labels()
        true = labels == self.scene.object_id
        tracker.start(self.frames.read(0), [true if self.start_from == "mask" else mask_box(true)])
        rows = []
        for index in range(1, len(self.frames)):
            (track,) = tracker.track(self.frames.read(index))
            rows.append(_row(track, labels, self.scene.object_id))
        lost, confidence, j, iou = np.array(rows).T
        figures = {
            "lost": float(lost.max()),
            "sure": float((confidence >= SURE).mean()),
            "spread": float(np.ptp(confidence)),
            "j_mean": float(j.mean()),
            "first_j": float(j[0]),
            "box_iou": float(iou.mean()),
        }
        return RunScore(self.start, len(self.frames), figures)


def _row(track: Track, labels: Labels, object_id: int) -> tuple[bool, float, float, float]:
    """Whether it is lost, its confidence, J and the overlap of the boxes, both outside the void."""
    true = labels == object_id
    found = id_image([track], (labels.shape[0], labels.shape[1])) > 0
    return (
        track.state is TrackState.LOST,
        track.confidence,
        davis.region_similarity(true, davis.outside_void(found, labels)),
        box_overlap(mask_box(true), track.box, labels == VOID),
    )


def still_runs(scenes: Iterable[StillScene], start_from: StartFrom) -> tuple[StillRun, ...]:
    return tuple(StillRun(each, start_from) for each in scenes)
