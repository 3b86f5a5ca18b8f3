"""A note in each results folder of what its results are made with: one table must come from one tracker."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from s2iammask_core.errors import DatasetError, ResultsError
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.outputs import foreign_file, write_text

NAME = "run.json"
DATA = "data.json"  # beside it: the digest of what each sequence's results are made from
INSTEAD = "choose another folder, or begin anew: eval --fresh"


def read_record(results: Path) -> dict[str, Any]:
    """The settings that the results are made with; empty where nobody noted them."""
    path = results / NAME
    if not path.is_file():
        return {}
    try:
        return read_object(path)
    except DatasetError as error:
        raise ResultsError(f"{path} is broken: {error}; delete the folder's results") from error


def claim(results: Path, settings: Mapping[str, object]) -> bool:
    """Notes the settings, and says whether they are new there; ResultsError if the folder has results of
    others, or files that are no results at all.
    """
    known = read_record(results)
    if known:
        differing = [name for name in {**known, **settings} if known.get(name) != settings.get(name)]
        changes = ", ".join(f"{name}: {known.get(name)!r}, now {settings.get(name)!r}" for name in differing)
        if differing:
            raise ResultsError(f"{results} holds results of other settings ({changes}); {INSTEAD}")
        return False
    if foreign := foreign_file(results):
        raise ResultsError(f"{results} holds other files, such as {foreign}; choose an empty folder")
    write_text(results / NAME, json.dumps(settings, indent=2) + "\n")
    return True


def disclaim(results: Path) -> None:
    """Takes the notes away, of a run that came to nothing."""
    for name in (NAME, DATA):
        (results / name).unlink(missing_ok=True)


def claim_data(results: Path, digests: Mapping[str, str], done: Collection[str]) -> None:
    """Notes what the sequences' results are made from.

    ResultsError if those that are done were made from other frames, or another truth.
    """
    path = results / DATA
    known = {**read_object(path)} if path.is_file() else {}
    changed = [name for name in done if known.get(name) != digests[name]]
    if changed:
        why = "other frames or another truth" if changed[0] in known else "nobody noted which frames"
        raise ResultsError(
            f"{results} holds results of sequence {changed[0]} that were made from {why} than are there now "
            f"({len(changed)} such sequences); {INSTEAD}"
        )
    write_text(path, json.dumps({**known, **digests}, indent=2) + "\n")
