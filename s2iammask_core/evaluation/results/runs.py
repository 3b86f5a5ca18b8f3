"""Scores of single runs: runs/SEQUENCE.FRAME.DIRECTION.json."""

import json
import math
from pathlib import Path

from s2iammask_core.errors import ResultsError
from s2iammask_core.evaluation.repeated import RunScore
from s2iammask_core.evaluation.results.errors import as_results
from s2iammask_core.evaluation.sequences.starts import Start
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.outputs import write_text


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
    write_text(run_path(results, start), json.dumps(record) + "\n")


def read_run(results: Path, start: Start) -> RunScore:
    """ResultsError if the run is missing or its file is broken."""
    path = run_path(results, start)
    if not path.is_file():
        raise ResultsError(f"no results for the run {start.run}: there is no {path}")
    with as_results():
        record = read_object(path)
    try:
        figures = {
            name: math.nan if value is None else float(value) for name, value in record["figures"].items()
        }
        return RunScore(start, int(record["frames"]), figures)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{path} is broken: {error}; delete it, and it is made again") from error
