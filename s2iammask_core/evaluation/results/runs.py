"""Scores of single runs: runs/SEQUENCE.FRAME.DIRECTION.json."""

import json
import math
from pathlib import Path

from s2iammask_core.errors import ResultsError
from s2iammask_core.evaluation.repeated import RunScore
from s2iammask_core.evaluation.results.parts import growing_file
from s2iammask_core.evaluation.sequences.starts import Start


def run_path(results: Path, start: Start) -> Path:
    return results / "runs" / f"{start.run}.json"


def write_run(results: Path, score: RunScore) -> None:
    start = score.start
    figures = {name: None if math.isnan(value) else value for name, value in score.figures.items()}
    record = {
        "sequence": start.sequence,
        "start": start.frame,
        "direction": start.direction,
        "frames": score.frames,
        "figures": figures,
    }
    with growing_file(run_path(results, start)) as file:
        file.write(json.dumps(record) + "\n")


def read_run(results: Path, start: Start) -> RunScore:
    """ResultsError if the run is missing or its file is broken."""
    path = run_path(results, start)
    if not path.is_file():
        raise ResultsError(f"no results for the run {start.run}: there is no {path}")
    try:
        record = json.loads(path.read_text())
        figures = {
            name: math.nan if value is None else float(value) for name, value in record["figures"].items()
        }
        return RunScore(start, int(record["frames"]), figures)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{path} is broken: {error}; delete it, and it is made again") from error
