"""Snapshots of a training run, as weights that a tracker can be loaded from."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s2iammask_core.errors import WeightsError

NAME = re.compile(r".*?(\d+)\.(?:pt|safetensors)")


def snapshots_between(folder: Path, first: int, last: int) -> list[Path]:
    """The snapshots of these epochs in rising order; WeightsError if there are none.

    The epoch is the number that a file's name ends with.
    """
    if not folder.is_dir():
        raise WeightsError(f"there is no folder {folder}")
    numbered = {int(found[1]): path for path in folder.iterdir() if (found := NAME.fullmatch(path.name))}
    chosen = [numbered[epoch] for epoch in sorted(numbered) if first <= epoch <= last]
    if not chosen:
        known = f"{min(numbered)} to {max(numbered)}" if numbered else "none"
        raise WeightsError(f"{folder} has no snapshots of epochs {first} to {last}; there are {known}")
    return chosen


@contextmanager
def exported(snapshot: Path) -> Iterator[Path]:
    """The snapshot as safetensors, for the duration of the block; of a moving average, if it has one."""
    if snapshot.suffix == ".safetensors":
        yield snapshot
        return
    from s2iammask_core.model import checkpoint
    from s2iammask_core.training.setup import network_of

    network = network_of(snapshot)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{snapshot.stem}.safetensors"
        checkpoint.save(network, path)
        yield path
