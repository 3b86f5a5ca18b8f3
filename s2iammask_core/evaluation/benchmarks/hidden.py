"""Runs in which the objects are away for a while."""

from dataclasses import replace

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.benchmarks.repeated import RepeatedBenchmark
from s2iammask_core.evaluation.hidden import FOUND, MEDIANS, RATE, WITHIN, HideBy, hidden_runs
from s2iammask_core.evaluation.repeated import MaskRun

NOTES = (
    f"recovered: share of the runs in which the target is not LOST and has a box IoU of {FOUND} or more "
    f"within {WITHIN:g} s of its return; frames_to_recover: the median of those, 1 is the first frame",
    "false_finds: share of the frames without the target in which it is not LOST",
    "j_after: J since its return",
)


def hidden(benchmark: RepeatedBenchmark, seconds: float, by: HideBy = "cut") -> RepeatedBenchmark:
    """The runs of a data set with masks, in whose middle the objects are away."""
    runs = [each for each in benchmark.runs if isinstance(each, MaskRun)]
    if len(runs) < len(benchmark.runs):
        raise DatasetError(f"{benchmark.name} has boxes alone; objects are hidden in data sets with masks")
    away = hidden_runs(runs, seconds, by)
    if not away:
        raise DatasetError(f"{benchmark.name}: no run is long enough to hide its objects in the middle")
    protocol = f"{benchmark.protocol}, away for {seconds:g} s at {RATE} frames/s ({by})"
    notes = (*benchmark.notes, *NOTES)
    return replace(
        benchmark, runs=away, protocol=protocol, objective="recovered", notes=notes, quantiles=MEDIANS
    )
