"""Which sequences a data set has."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from s2iammask_core.errors import DatasetError
from s2iammask_core.files.names import existing_folder, natural_order
from s2iammask_core.files.texts import read_names


class Named(Protocol):
    """A sequence, or anything else that has a name."""

    @property
    def name(self) -> str: ...


Item = TypeVar("Item", bound=Named)


def listed_names(root: Path, list_name: str, marker: str) -> tuple[str, ...]:
    """The names in the root's list, or without one those of all folders that hold a file like the marker."""
    if (root / list_name).is_file():
        return read_names(root / list_name)
    found = {path.parent.name for path in existing_folder(root).glob(f"*/{marker}")}
    names = tuple(sorted(found, key=natural_order))
    if not names:
        raise DatasetError(
            f"no sequence found: {root} has no {list_name}, and no folder in it has a {marker}"
        )
    return names


def chosen(items: Sequence[Item], names: Iterable[str]) -> tuple[Item, ...]:
    """The items of these names, in the order of the names; DatasetError for a name that there is not."""
    known = {item.name: item for item in items}
    found = []
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            raise DatasetError(
                f"there is no sequence {name!r}" + (f"; did you mean {', '.join(near)}?" if near else "")
            )
        found.append(known[name])
    return tuple(found)
