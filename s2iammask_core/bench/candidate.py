"""One way of running a network, tried and measured in this process, which has nothing else in it:
`python -m s2iammask_core.bench.candidate ORDER` prints a Figures as json.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from s2iammask_core.bench.measure import Plan, Subject, Way, all_tracked, row
from s2iammask_core.bench.timing import ProcessMeter, peak_memory_mib
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import S2iamMaskError
from s2iammask_core.runtime.choice import Candidate
from s2iammask_core.runtime.loading import loaded
from s2iammask_core.runtime.verification import agreement, objection_to

SIZE = (480, 854)  # of the frames, (H, W)
COUNTS = (1, 4)  # targets


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be tried."""

    runtime: str
    device: str
    path: str  # of the form of the network that it runs
    precision: str
    threads: int
    frames: int
    begun: float  # when the process was begun, seconds since the epoch


@dataclass(frozen=True, slots=True)
class Step:
    """Times of a step, milliseconds."""

    targets: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it."""

    reason: str = ""  # why the way is not taken; nothing if it is good
    agreement: float | None = None  # lowest IoU with the network's answers; None where they are not known
    device: str = ""  # where it ran
    start_up: float = 0.0  # seconds from the beginning of the process to the first right answers
    steps: tuple[Step, ...] = ()
    memory_mib: float = 0.0  # peak of the process

    @classmethod
    def read(cls, text: str) -> "Figures":
        values = json.loads(text)
        return cls(**{**values, "steps": tuple(Step(**each) for each in values["steps"])})


def figures(order: Order) -> Figures:
    """The reason says what any library, driver or device raised."""
    try:
        return _tried(order)
    except S2iamMaskError as error:
        return Figures(reason=str(error))
    except Exception as error:
        return Figures(reason=f"{type(error).__name__}: {error}")


def _tried(order: Order) -> Figures:
    runtime = RuntimeConfig(device=order.device, precision=order.precision, threads=order.threads)
    way = Candidate(order.runtime, order.device, Path(order.path))
    config = all_tracked(TrackerConfig(), max(COUNTS))
    found = loaded(way, config, runtime)
    worst = agreement(found.tracker, found.notes)
    start_up = time.time() - order.begun
    if wrong := objection_to(worst):
        return Figures(wrong, worst, found.tracker.device, start_up)
    plan = Plan(config, runtime, *SIZE, order.frames)
    steps = []
    for count in COUNTS:
        measured = row(
            plan, Subject("", found.tracker.sibling(), count, Way(order.runtime, "", 0), ProcessMeter())
        )
        steps.append(Step(count, measured.step_ms_p50, measured.step_ms_p99))
    return Figures("", worst, found.tracker.device, start_up, tuple(steps), peak_memory_mib())


def main() -> int:
    values = json.loads(sys.argv[1])
    found = figures(Order(**{each.name: values[each.name] for each in fields(Order)}))
    sys.stdout.write(f"\n{json.dumps(asdict(found))}\n")  # after whatever libraries said
    return 0


if __name__ == "__main__":
    sys.exit(main())
