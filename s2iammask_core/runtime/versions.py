"""What executes the networks, and its version."""

from importlib import import_module
from importlib.metadata import packages_distributions, version

MODULES = {"openvino": "openvino", "onnxruntime": "onnxruntime", "tensorrt": "onnxruntime"}  # others: PyTorch
PACKAGES = {  # as a user knows them, and their modules
    "s2iammask": "s2iammask_core",
    "numpy": "numpy",
    "opencv": "cv2",
    "openvino": "openvino",
    "onnxruntime": "onnxruntime",
    "torch": "torch",
}


def engine_of(runtime: str) -> str:
    """A runtime, as RuntimeConfig names it, with the version of what executes it, which is loaded."""
    module = MODULES.get(runtime, "torch")
    found = str(import_module(module).__version__).partition("-")[0]
    return f"{runtime} {found}" if runtime == module else f"{runtime} ({module} {found})"


def installed() -> dict[str, str]:
    """The versions of the packages that count, by name; none of them is loaded."""
    here = packages_distributions()
    found = {name: _version(here.get(module, [])) for name, module in PACKAGES.items()}
    return {name: number for name, number in found.items() if number}


def _version(distributions: list[str]) -> str:
    return version(distributions[0]) if distributions else ""
