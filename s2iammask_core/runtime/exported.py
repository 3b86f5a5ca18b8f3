"""A folder of exported graphs: what it says about itself, and which settings it was made for."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import ConfigError, WeightsError
from s2iammask_core.tracking.network import MaskSource
from s2iammask_core.tracking.settings import FIXED, LIVE

DESCRIPTION = "network.json"
GRAPHS = ("template", "search")
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
    precision: str = "fp32"  # of the convolutions: fp32, or int8

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

    def check_runtime(self, runtime: RuntimeConfig) -> None:
        """ConfigError for a way to run or a number format that the graphs do not have."""
        if runtime.runtime not in ("auto", "tensorrt"):
            raise ConfigError(
                f"runtime {runtime.runtime} needs the network in PyTorch; an exported one is run by "
                "onnxruntime: leave runtime at auto, or give the weights file instead"
            )
        in_fp16 = runtime.runtime == "tensorrt" and runtime.precision == "fp16"
        if runtime.precision not in ("auto", self.precision) and not in_fp16:
            raise ConfigError(
                f"the network was exported in {self.precision}, not {runtime.precision}; leave precision at "
                "auto, or give the weights file instead"
            )


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
