"""Options of the commands that spread their work over processes or machines."""

import argparse
from dataclasses import replace

from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import ConfigError
from s2iammask_core.spread import Workers


def add_workers(parser: argparse.ArgumentParser, default: str = "0: this process alone") -> None:
    """Adds --workers, --address, --cpus-per-worker, --gpus-per-worker and --retries."""
    parser.add_argument(
        "--workers", type=int, metavar="N", help=f"processes, which Ray starts (default: {default})"
    )
    parser.add_argument(
        "--address",
        default="",
        metavar="WHERE",
        help="a Ray cluster: auto, HOST:PORT or ray://HOST:10001 (default: this machine alone)",
    )
    parser.add_argument(
        "--cpus-per-worker", type=int, default=1, metavar="N", help="CPUs and threads of each (default: 1)"
    )
    parser.add_argument(
        "--gpus-per-worker", type=float, default=0.0, metavar="N",
        help="GPUs of each, also shares such as 0.5 (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--retries", type=int, default=2, metavar="N",
        help="how often work is tried again after its process died (default: 2)",
    )  # fmt: skip


def chosen_workers(args: argparse.Namespace, default: int = 0) -> Workers:
    """ConfigError for numbers that make no sense together."""
    count = default if args.workers is None else args.workers
    if args.address and count == 0:
        raise ConfigError(f"--address {args.address} needs --workers: how many processes on the cluster")
    return Workers(count, args.address, args.cpus_per_worker, args.gpus_per_worker, args.retries)


def shared_cores(runtime: RuntimeConfig, workers: Workers) -> RuntimeConfig:
    """The runtime with a worker's number of threads, unless the settings give another."""
    if not workers.count or runtime.threads:
        return runtime
    return replace(runtime, threads=workers.cpus)
