"""What this machine has, asked without loading an engine."""

import ctypes
import math
import os
import platform
import sys
from functools import cache
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "max 100000" or "150000 100000": microseconds in each period
CUDA_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def usable_cores() -> int:
    """Physical cores that this process may use, by its cpuset, its cgroup's quota and OMP_NUM_THREADS, by
    which users bound the threads of such libraries; at least 1.
    """
    cores = {_core_of(cpu) for cpu in _allowed_cpus()}
    bound = os.environ.get("OMP_NUM_THREADS", "")
    return max(min(len(cores), _quota(), int(bound) if bound.isdecimal() else sys.maxsize), 1)


def _allowed_cpus() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _core_of(cpu: int) -> str:
    """What the threads of a core have in common; the processor itself where the system does not say."""
    try:
        return (CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _quota() -> int:
    """Processors' worth of time that the cgroup may take, rounded up; without a limit more than there are."""
    try:
        most, period = QUOTA.read_text().split()
        return math.ceil(int(most) / int(period))
    except (OSError, ValueError):  # no cgroup of the second version, or "max"
        return sys.maxsize


FORMATS = {  # flags of /proc/cpuinfo, of x86 and ARM, that decide which number formats are fast
    *("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_bf16", "amx_int8", "asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve"),
}


def formats() -> list[str]:
    """The arithmetic of the processor beyond the usual."""
    flags = next((text.split() for name, text in _cpuinfo() if name in ("flags", "Features")), [])
    return sorted(FORMATS.intersection(flags))


@cache
def has_cuda() -> bool:
    """Whether NVIDIA's driver sees a GPU. PyTorch, which would take seconds to tell, is not asked."""
    try:
        driver = ctypes.CDLL(CUDA_DRIVER)
        count = ctypes.c_int(0)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False


def gpus() -> list[str]:
    """The GPUs that NVIDIA's driver sees, with the newest CUDA that it knows."""
    if not has_cuda():
        return []
    driver = ctypes.CDLL(CUDA_DRIVER)
    version, count = ctypes.c_int(0), ctypes.c_int(0)
    driver.cuDriverGetVersion(ctypes.byref(version))
    driver.cuDeviceGetCount(ctypes.byref(count))
    known = f"driver for CUDA {version.value // 1000}.{version.value % 1000 // 10}"
    return [f"{_gpu_name(driver, number)}, {known}" for number in range(count.value)]


def _gpu_name(driver: ctypes.CDLL, number: int) -> str:
    name = ctypes.create_string_buffer(256)
    driver.cuDeviceGetName(name, len(name), number)
    return name.value.decode(errors="replace")


def processor() -> str:
    """The processor's name."""
    names = [text for name, text in _cpuinfo() if name == "model name"]
    return names[0] if names else platform.processor() or platform.machine()


def _cpuinfo() -> list[tuple[str, str]]:
    """Names and texts of Linux; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    return [(name.strip(), text.strip()) for name, _, text in (line.partition(":") for line in lines)]
