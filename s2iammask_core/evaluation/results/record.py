"""A note in each results folder of what its results are made with: one table must come from one tracker."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2iammask_core.errors import ResultsError

NAME = "run.json"


def read_record(results: Path) -> dict[str, Any]:
    """The settings that the results are made with; empty where nobody noted them."""
    path = results / NAME
    if not path.is_file():
        return {}
    try:
        settings = json.loads(path.read_text())
    except ValueError as error:
        raise ResultsError(f"{path} is broken: {error}; delete the folder's results") from error
    return dict(settings)


def claim(results: Path, settings: Mapping[str, object]) -> bool:
    """Notes the settings, and says whether they are new there; ResultsError if the folder has results of
    others.
    """
    known = read_record(results)
    if known:
        differing = [name for name in {**known, **settings} if known.get(name) != settings.get(name)]
        changes = ", ".join(f"{name}: {known.get(name)!r}, now {settings.get(name)!r}" for name in differing)
        if differing:
            raise ResultsError(
                f"{results} holds results of other settings ({changes}); choose another folder"
            )
        return False
    results.mkdir(parents=True, exist_ok=True)
    (results / NAME).write_text(json.dumps(settings, indent=2) + "\n")
    return True


def disclaim(results: Path) -> None:
    """Takes the note away, of a run that came to nothing."""
    (results / NAME).unlink()
