"""Devices and number formats by the names of the settings, and what a device is good for."""

import logging

import torch
import torch.nn.functional as F

from s2iammask_core.errors import UnavailableError

FORMATS = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# compute capabilities of GPUs from which on these formats are multiplied by tensor cores; older ones emulate
# bf16, and most of them are slower with fp16 than with fp32
FP16_SINCE, BF16_SINCE = (7, 0), (8, 0)
BF16_TESTS = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
JETSONS = ((5, 3), (6, 2), (7, 2), (8, 7))
FIRST_OF_CUDA_13 = (7, 5)  # what is built for CUDA 13 has no code for GPUs before this one
NO_CODE = ("kernel image", "ARCH_MISMATCH", "find an engine")  # what PyTorch and cuDNN say then
TRIAL_SUM = 8 * 36 * 72  # of the trial's convolution: outputs, places, ones under a kernel

logger = logging.getLogger(__name__)


def device_named(name: str) -> torch.device:
    """The device of a setting; UnavailableError for one that is not here or cannot be computed with.

    auto takes the first GPU that works, else the CPU, and warns of each GPU that does not.
    """
    if name == "auto":
        return _first_that_works()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UnavailableError(f"there is no device {name!r}; use auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise UnavailableError(f"device {name} is not supported; use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UnavailableError(
            f"device {name} was asked for; PyTorch sees {torch.cuda.device_count()} CUDA devices"
        )
    if fault := fault_of(device):
        raise UnavailableError(f"device {name} cannot be used: {fault}")
    return device


def _first_that_works() -> torch.device:
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        device = torch.device("cuda", number)
        fault = fault_of(device)
        if not fault:
            return device
        logger.warning("%s is left out: %s", device, fault)
    return torch.device("cpu")


def fault_of(device: torch.device) -> str:
    """What keeps this PyTorch from computing on a device, in words for the user; "" if nothing does.

    A small convolution is tried: that a GPU is seen does not mean that this PyTorch has code for it.
    """
    try:
        found = _trial(device)
    except Exception as error:  # each library under PyTorch has errors of its own
        return _described(error, device)
    return "" if found == TRIAL_SUM else f"a convolution of ones gives {found:g} instead of {TRIAL_SUM}"


def _trial(device: torch.device) -> float:
    with torch.inference_mode():
        patch, weight = (torch.ones(8, 8, side, side, device=device) for side in (8, 3))
        return float(F.conv2d(patch[:1], weight).relu_().sum())


def _described(error: Exception, device: torch.device) -> str:
    """The error's first line and, where this PyTorch was not built for the GPU, what to install."""
    first = str(error).partition("\n")[0]
    if device.type != "cuda" or not any(words in str(error) for words in NO_CODE):
        return first
    capability = torch.cuda.get_device_capability(device)
    return (
        f"{first}; {torch.cuda.get_device_name(device)} is {architecture(capability)}, and PyTorch "
        f"{torch.__version__} was built for {', '.join(torch.cuda.get_arch_list())}: "
        f"install {_wheel(capability)}"
    )


def architecture(capability: tuple[int, int]) -> str:
    """The name that CUDA has for it: sm_87 for (8, 7)."""
    return f"sm_{capability[0]}{capability[1]}"


def _wheel(capability: tuple[int, int]) -> str:
    if capability in JETSONS:
        return "the wheel that NVIDIA makes for this Jetson's JetPack"
    if capability < FIRST_OF_CUDA_13:
        return "the wheel for CUDA 12.6 (cu126)"
    return "a newer wheel"


def format_named(name: str, device: torch.device) -> torch.dtype:
    """auto: fp16 on a GPU with tensor cores, bf16 on a CPU that multiplies it in hardware, else fp32."""
    if name != "auto":
        return FORMATS[name]
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= FP16_SINCE
        return torch.float16 if fast else torch.float32
    return torch.bfloat16 if multiplies_bf16(device) else torch.float32


def multiplies_bf16(device: torch.device) -> bool:
    """Whether a device is known to have bf16 products; emulated ones are slower than fp32.

    The first versions of PyTorch that this package runs with cannot tell of a CPU.
    """
    if device.type == "cuda":  # torch.cuda.is_bf16_supported counts emulation
        return torch.cuda.get_device_capability(device) >= BF16_SINCE
    tests = [getattr(torch.cpu, name, None) for name in BF16_TESTS]
    return any(test() for test in tests if test is not None)
