"""A connection to Ray for as long as it is needed."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from s2iammask_core.errors import UnavailableError
from s2iammask_core.spread.plan import Workers

OBJECT_STORE = 128 * 2**20  # bytes; hardly anything but small results goes through it
SILENT = {"RAY_DEDUP_LOGS_SKIP_REGEX": "."}  # or Ray says on stdout, where results are printed, who died
CLIENT = "ray://"  # how addresses begin that Ray's client knows
CLIENT_TRIES = 3
SLOW_CLIENT = (
    "Run it again; if that does not help, start its head with RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S=120 "
    "in the environment: seconds that it gives to what it starts for a client, usually 30"
)
NO_CLIENT = (
    "is this the port of its client server (`ray start --head --ray-client-server-port`, usually 10001), and "
    "is ray[client] installed there? RAY_CLIENT_INITIAL_CONNECTION_TIMEOUT_S=30 waits longer than 5 seconds"
)
ALONE = {  # both are read when Ray is imported
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # all of its servers listen on loopback only
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # or workers get what other processes leave over
}


@contextmanager
def session(workers: Workers, dashboard: bool = False) -> Iterator[str]:
    """Ray for these workers, and the address of its dashboard, empty if it has none.

    UnavailableError if Ray is not installed or does not answer. A connection that is there already is used
    and kept; nothing happens for work in this process.
    """
    if workers.count == 0:
        yield ""
        return
    for name, value in (SILENT if workers.address else {**SILENT, **ALONE}).items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise UnavailableError(
            "several workers need Ray: pip install 's2iammask[batch]', or --workers 0 for this process alone"
        ) from error
    if ray.is_initialized():
        yield ""
        return
    url = _begin(workers, dashboard)
    try:
        yield url
    finally:
        ray.shutdown()


def _begin(workers: Workers, dashboard: bool) -> str:
    options: dict[str, Any] = {"address": workers.address}
    if not workers.address:
        cpus = workers.count * workers.cpus
        options = {
            "address": "local",  # its own, whatever other Ray runs here or RAY_ADDRESS names
            "num_cpus": cpus,
            "include_dashboard": dashboard,
            "object_store_memory": OBJECT_STORE,
        }
    try:
        context = _connected({**options, "log_to_driver": False, "logging_level": logging.ERROR})
    except (ConnectionError, RuntimeError, ValueError, ImportError, OSError) as error:
        raise UnavailableError(_told(workers.address, error)) from error
    _check(workers)
    url = getattr(context, "dashboard_url", "")
    return f"http://{url}" if url else ""


def _connected(options: dict[str, Any]) -> Any:
    """What ray.init answers.

    A cluster starts a process for each client, and waits 30 seconds for it. The first one of all, which finds
    nothing of Ray in the memory of a slow machine, may take longer; those after it do not.
    """
    import ray

    for _ in range(CLIENT_TRIES - 1):
        with suppress(ConnectionAbortedError):
            return ray.init(**options)
    return ray.init(**options)


def _told(address: str, error: Exception) -> str:
    """What is said of a Ray that cannot be reached."""
    where = f"the Ray cluster {address}" if address else "Ray on this machine"
    if isinstance(error, ConnectionAbortedError):
        return f"{where} cannot begin to serve: {str(error).strip().splitlines()[-1]} {SLOW_CLIENT}"
    hint = f"; {NO_CLIENT}" if address.startswith(CLIENT) and isinstance(error, ConnectionError) else ""
    return f"{where} does not answer: {error}{hint}"


def _check(workers: Workers) -> None:
    """UnavailableError where this machine has not what a worker asks for; a cluster may still grow."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    there = resources.get("GPU", 0)
    if not workers.address and workers.gpus * workers.count > there:
        ray.shutdown()
        raise UnavailableError(
            f"{workers.count} workers with {workers.gpus:g} GPUs each need more than the {there:g} GPUs here"
        )
