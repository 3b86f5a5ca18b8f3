"""A folder of exported graphs: what it says about itself, and which settings it was made for."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from s2iammask_core.config import TrackerConfig
from s2iammask_core.errors import ConfigError, WeightsError
from s2iammask_core.tracking.network import MaskSource
from s2iammask_core.tracking.settings import FIXED, LIVE

DESCRIPTION = "network.json"
GRAPHS = ("template", "search")  # of every network
FIRST_MASK = "first_mask"  # the graph of those that find the mask of a box
OTHER_VERSION = "{} was exported by another version; export it again: s2iammask export"


@dataclass(frozen=True, slots=True)
class Exported:
    """A network whose step is exported."""

    variant: str
    mask_source: MaskSource
    memory_values: int  # as `tracking.network.Network` has it
    fixed: dict[str, float]  # settings that are part of the graphs, by name
    live: list[str]  # settings that are an input of the search graph, in its order
    notes: dict[str, str]  # of the weights file
    first_pixels: int = 0  # as `tracking.network.Network` has it
    precision: str = "fp32"  # of the convolutions: fp32, or int8
    source: str = ""  # sha256 of the weights file

    @property
    def graphs(self) -> tuple[str, ...]:
        """The names of its graphs."""
        return (*GRAPHS, FIRST_MASK) if self.first_pixels else GRAPHS

    def write(self, folder: Path) -> None:
        (folder / DESCRIPTION).write_text(json.dumps(asdict(self), indent=2) + "\n")

    def check(self, config: TrackerConfig) -> None:
        """ConfigError, with what to do, for settings that the graphs cannot follow."""
        if config.compat == "siammask":
            raise ConfigError("compat siammask needs the network in PyTorch; give the weights file instead")
        for name, value in self.fixed.items():
            wanted = getattr(config, name)
            if wanted != value:
                raise ConfigError(
                    f"the network was exported with {name} = {value:g}, not {wanted:g}; set {name} to "
                    f"{value:g}, or export it again: s2iammask export OUT --set {name}={wanted:g}"
                )


def parts_of(folder: Path) -> list[str]:
    """The names of an exported folder's files: its graphs, of any format, and the description."""
    names = (*read_description(folder).graphs, Path(DESCRIPTION).stem)
    return [path.name for name in names for path in sorted(folder.glob(f"{name}.*"))]


def is_exported(path: Path) -> bool:
    """Whether this is a folder of exported graphs, or one of the ONNX files in it."""
    return (folder_of(path) / DESCRIPTION).is_file()


def folder_of(path: Path) -> Path:
    """The folder itself, or that of one of its graphs."""
    return path.parent if path.suffix == ".onnx" else path


def read_description(folder: Path) -> Exported:
    """What an exported folder says about itself; WeightsError if it does not."""
    try:
        found = Exported(**json.loads((folder / DESCRIPTION).read_text()))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{folder} holds no exported network: {error}; make one: s2iammask export"
        ) from error
    except TypeError as error:  # it says less or more than this version does
        raise WeightsError(OTHER_VERSION.format(folder)) from error
    if (*found.fixed, *found.live) != (*FIXED, *LIVE):
        raise WeightsError(OTHER_VERSION.format(folder))
    return found
