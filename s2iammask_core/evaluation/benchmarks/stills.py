"""Still scenes: the objects of pictures, seen by a camera that trembles."""

from collections.abc import Iterable

from s2iammask_core.evaluation.benchmarks.repeated import RepeatedBenchmark
from s2iammask_core.evaluation.protocols import StartFrom
from s2iammask_core.evaluation.sequences.stills import COUNT, StillScene
from s2iammask_core.evaluation.stills import SPREADS, SURE, still_runs

NOTES = (
    "lost: share of the scenes in which the target is ever lost; spread: highest less lowest confidence",
    f"sure: share of the frames with a confidence of {SURE} or more; first_j: J of the first answer",
    "the standard error is by bootstrap over the scenes",
)


def of_stills(scenes: Iterable[StillScene], start_from: StartFrom) -> RepeatedBenchmark:
    """Each scene is a run."""
    return RepeatedBenchmark(
        "stills",
        still_runs(scenes, start_from),
        f"{COUNT} frames of each still, from the {start_from}",
        "j_mean",
        NOTES,
        quantiles=SPREADS,
        lists_runs=False,
    )
