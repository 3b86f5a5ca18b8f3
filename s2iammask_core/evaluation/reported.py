"""Which sequences are for reporting, so that nobody tunes on them unawares."""

from pathlib import Path

from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.benchmarks.repeated import RepeatedBenchmark

DAVIS_VAL = frozenset(  # of 2017; that of 2016 is a part of it
    {
        *(
            "bike-packing",
            "blackswan",
            "bmx-trees",
            "breakdance",
            "camel",
            "car-roundabout",
            "car-shadow",
            "cows",
        ),
        *("dance-twirl", "dog", "dogs-jump", "drift-chicane", "drift-straight", "goat", "gold-fish"),
        *("horsejump-high", "india", "judo", "kite-surf", "lab-coat", "libby", "loading", "mbike-trick"),
        *("motocross-jump", "paragliding-launch", "parkour", "pigs", "scooter-black", "shooting", "soapbox"),
    }
)
OPEN = frozenset({"folder", "otb-layout", "stills", "vot-layout"})  # anybody's own data


def reported(benchmark: Benchmark, root: Path) -> tuple[str, ...]:
    """The sequences that figures are published on.

    VOT and OTB have no others. Of YouTube-VOS they are those in the folders `valid` and `test`.
    """
    if benchmark.name in OPEN:
        return ()
    if benchmark.name.startswith("DAVIS"):
        return tuple(name for name in benchmark.names if _sequence(benchmark, name) in DAVIS_VAL)
    if benchmark.name.startswith("YTVOS") and not root.name.startswith(("valid", "test")):
        return ()
    return benchmark.names


def _sequence(benchmark: Benchmark, name: str) -> str:
    return benchmark.sequence(name) if isinstance(benchmark, RepeatedBenchmark) else name
