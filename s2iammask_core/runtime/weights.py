"""Weights by path or by name: the file, and what was exported of it."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from s2iammask_core import manifest
from s2iammask_core.errors import WeightsError
from s2iammask_core.runtime.exported import folder_of, is_exported, parts_of, read_description

USUAL = "s2iammask"  # of the weights that come with the package
FORMER = "s2iammask_nano"  # what the default was called: parameter files of robots still say so


@dataclass(frozen=True, slots=True)
class Weights:
    """A network in the forms that there are of it; at least one."""

    file: Path | None  # for PyTorch
    folder: Path | None  # of exported graphs

    @property
    def path(self) -> Path:
        """What a user would call it."""
        return self.file or self.folder or Path()


def weights_file(weights: Path | str = "") -> Path:
    """The path that is named; for a name of weights that come with the package (also for ""), that of their
    file.

    The file may be missing: it is not looked at. The former name of the default is understood, with a
    FutureWarning.
    """
    if str(weights) == FORMER and not Path(weights).exists():
        warnings.warn(f"the weights {FORMER} are now called {USUAL}", FutureWarning, stacklevel=2)
        weights = USUAL
    shipped = shipped_folder() / f"{weights or USUAL}.safetensors"
    is_name = Path(weights).name == str(weights) and not Path(weights).exists()
    return shipped if not weights or (is_name and shipped.is_file()) else Path(weights)


def shipped_folder() -> Path:
    """In the package's own folder where it is installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    folder = package / "weights"
    return folder if folder.is_dir() else package.parent / "weights"


def checked_weights(weights: Path | str = "") -> Path:
    """What `weights_file` says, after a look at the manifests beside it and in what was exported of it.

    WeightsError if it is missing, or its sha256 is not the one there. A file that no manifest names, such as
    one of a training of your own, is taken as it is.
    """
    path = weights_file(weights)
    if not path.exists():
        raise WeightsError(f"there are no weights at {path}; name a file that is there")
    if manifest.is_named(path):
        manifest.verify(path)
    folder = forms_of(path).folder
    for each in parts_of(folder) if folder else ():
        if folder and manifest.is_named(folder / each):
            manifest.verify(folder / each)
    return path


def forms_of(path: Path) -> Weights:
    """The forms of the network in a weights file or an exported folder.

    Graphs of a file are in the folder that has the file's name without its suffix, if they were made of this
    very file.
    """
    if is_exported(path):
        return Weights(None, folder_of(path))
    folder = path.with_suffix("")
    if folder == path or not is_exported(folder):
        return Weights(path, None)
    same = read_description(folder).source == manifest.sha256(path)
    return Weights(path, folder if same else None)
