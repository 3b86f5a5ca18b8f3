"""Devices and number formats by the names of the settings."""

import torch

from s2iammask_core.errors import UnavailableError

FORMATS = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
BF16_TESTS = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def device_named(name: str) -> torch.device:
    """Auto takes the GPU if there is one; UnavailableError for one that is not here."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
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
    return device


def format_named(name: str, device: torch.device) -> torch.dtype:
    """auto: fp16 on a GPU, bf16 on a CPU that multiplies it in hardware, else fp32."""
    if name != "auto":
        return FORMATS[name]
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if multiplies_bf16() else torch.float32


def multiplies_bf16() -> bool:
    """Whether this CPU is known to have bf16 products; emulated ones are slower than fp32.

    The first versions of PyTorch that this package runs with cannot tell.
    """
    tests = [getattr(torch.cpu, name, None) for name in BF16_TESTS]
    return any(test() for test in tests if test is not None)
