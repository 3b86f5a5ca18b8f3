"""Benchmarks by name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation import vot
from s2iammask_core.evaluation.benchmarks.base import Benchmark
from s2iammask_core.evaluation.benchmarks.boxes import BoxBenchmark
from s2iammask_core.evaluation.benchmarks.hidden import hidden
from s2iammask_core.evaluation.benchmarks.masks import MaskBenchmark
from s2iammask_core.evaluation.benchmarks.repeated import from_starts
from s2iammask_core.evaluation.benchmarks.stills import of_stills
from s2iammask_core.evaluation.benchmarks.vot import VotBenchmark
from s2iammask_core.evaluation.hidden import HideBy
from s2iammask_core.evaluation.protocols import StartFrom
from s2iammask_core.evaluation.reports.record import Report
from s2iammask_core.evaluation.results.record import read_record
from s2iammask_core.evaluation.sequences.boxes import read_box_sequences
from s2iammask_core.evaluation.sequences.folder import read_folder
from s2iammask_core.evaluation.sequences.masks import read_davis, read_youtube_vos
from s2iammask_core.evaluation.sequences.otb import read_otb
from s2iammask_core.evaluation.sequences.regions import Rectangles
from s2iammask_core.evaluation.sequences.starts import Starts
from s2iammask_core.evaluation.sequences.stills import read_scenes
from s2iammask_core.evaluation.sequences.vot import read_vot
from s2iammask_core.files.davis import listed_sequences
from s2iammask_core.files.texts import read_names

SIZES = {  # sequences of the sets that figures are published on
    "VOT2016": 60,
    "VOT2017": 60,
    "VOT2018": 60,
    "VOT2019": 60,
    "DAVIS2016": 20,
    "DAVIS2017": 30,
    "YTVOS2018": 474,
    "YTVOS2019": 507,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which benchmark, and what of it."""

    name: str  # one of BENCHMARKS
    root: Path  # its folder; or a VOT challenge's json file, or any folder of frames or video
    frames: Path | None = None  # where a VOT json file's images lie, if not beside it
    boxes: Path | None = None  # the box file of `folder`
    split: str = ""  # a text file of names, or for DAVIS a list in ImageSets; empty: val, or all
    start_from: StartFrom = "mask"  # of benchmarks with masks
    interval: tuple[int, int] | None = None  # of VOT's expected average overlap, if not the usual
    rectangles: Rectangles = Rectangles.TOOLKIT  # how VOT's regions of 4 numbers are taken
    step: int = 1  # looks at every step-th frame alone
    starts: Starts | None = None  # runs from several frames, instead of the benchmark's own protocol
    hide: float | None = None  # seconds for which each run's objects are away
    hide_by: HideBy = "cut"

    @property
    def listed(self) -> tuple[str, ...] | None:
        """The names in the split's file; None if it is no file."""
        return read_names(Path(self.split)) if self.split and Path(self.split).is_file() else None


def open_benchmark(choice: Choice) -> Benchmark:
    """Reads the data set's lists and truth; no frame is decoded. DatasetError if something is missing."""
    if choice.name not in BENCHMARKS:
        raise DatasetError(f"unknown data set {choice.name!r}; known: {', '.join(BENCHMARKS)}")
    if not choice.root.exists():
        raise DatasetError(f"there is no {choice.root}; give the root of {choice.name}")
    benchmark = BENCHMARKS[choice.name](choice)
    if choice.hide is not None:
        benchmark = hidden(from_starts(benchmark, choice.starts or Starts()), choice.hide, choice.hide_by)
    elif choice.starts:
        benchmark = from_starts(benchmark, choice.starts)
    return benchmark if choice.step == 1 else benchmark.thinned(choice.step)


def score(benchmark: Benchmark, results: Path) -> Report:
    """The benchmark's score, with notes of how the results were made and what of the data set they are."""
    report = benchmark.score(results)
    notes = list(report.notes)
    if protocol := read_record(results).get("protocol"):
        notes.append(f"protocol: {protocol}")
    whole, count = SIZES.get(benchmark.name), len(benchmark.names)
    if whole not in (None, count) and not report.runs:
        notes.append(f"only {count} of the {whole} sequences: not comparable with published figures")
    return replace(report, notes=tuple(notes))


def _vot(choice: Choice) -> Benchmark:
    inside = choice.root / f"{choice.name}.json"
    only_json = inside.is_file() and not (choice.root / "list.txt").is_file()
    sequences = read_vot(inside if only_json else choice.root, choice.frames, choice.rectangles)
    interval = choice.interval or vot.INTERVALS.get(choice.name, vot.USUAL_INTERVAL)
    return _only(choice, VotBenchmark(choice.name, sequences, interval, choice.rectangles))


def _davis(choice: Choice) -> Benchmark:
    year = choice.name.removeprefix("DAVIS")
    names = choice.listed or listed_sequences(choice.root, year, choice.split or "val")
    return MaskBenchmark(choice.name, read_davis(choice.root, year, names), choice.start_from)


def _youtube_vos(choice: Choice) -> Benchmark:
    sequences = read_youtube_vos(choice.root)
    return _only(choice, MaskBenchmark(choice.name, sequences, choice.start_from, by_category=True))


def _otb(choice: Choice) -> Benchmark:
    return _only(choice, BoxBenchmark(choice.name, read_otb(choice.root)))


def _boxes(choice: Choice) -> Benchmark:
    return _only(choice, BoxBenchmark(choice.name, read_box_sequences(choice.root), objective="iou"))


def _folder(choice: Choice) -> Benchmark:
    if choice.boxes is None:
        raise DatasetError(
            "a folder or video needs a box file: x,y,width,height in one line, or for each frame"
        )
    return BoxBenchmark(choice.name, (read_folder(choice.root, choice.boxes),))


def _stills(choice: Choice) -> Benchmark:
    if choice.split and choice.listed is None:
        raise DatasetError(f"{choice.name} has no split {choice.split!r}; give a text file of names")
    return of_stills(read_scenes(choice.root, choice.listed), choice.start_from)


def _only(choice: Choice, benchmark: Benchmark) -> Benchmark:
    if choice.split and choice.listed is None:
        raise DatasetError(f"{choice.name} has no split {choice.split!r}; give a text file of names")
    return benchmark if choice.listed is None else benchmark.only(choice.listed)


BENCHMARKS: dict[str, Callable[[Choice], Benchmark]] = {
    **dict.fromkeys(("VOT2016", "VOT2017", "VOT2018", "VOT2019", "vot-layout"), _vot),
    **dict.fromkeys(("DAVIS2016", "DAVIS2017"), _davis),
    **dict.fromkeys(("YTVOS2018", "YTVOS2019"), _youtube_vos),
    **dict.fromkeys(("OTB", "otb-layout"), _otb),
    "boxes": _boxes,
    "folder": _folder,
    "stills": _stills,
}
