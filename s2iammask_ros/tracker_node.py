"""The executable `tracker_node`: ros2 run s2iammask tracker_node."""

import os
import signal
import sys
import time
from contextlib import suppress
from threading import Thread, Timer
from types import FrameType
from typing import NoReturn

import rclpy
import rclpy.logging
import rclpy.utilities
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import Executor, ExternalShutdownException
from rclpy.signals import SignalHandlerOptions

from s2iammask_core.errors import ConfigError
from s2iammask_core.memory import share_heaps
from s2iammask_ros.executors import OneGroup, OtherGroups
from s2iammask_ros.loading import make_tracker
from s2iammask_ros.node import TrackerNode
from s2iammask_ros.targets import services

THREADS = 3  # a transition, questions about it meanwhile, everything but requests
LONGEST_DEAFNESS = 0.2  # seconds until the main thread notices a signal
BREATH = 0.0002  # seconds
SIGNALS = (signal.SIGINT, signal.SIGTERM)
LONGEST_END = 1.5  # seconds after a signal in which the node may end by itself
LONGEST_GOODBYE = 0.5  # of them: until clients have the results of their goals


def main() -> NoReturn:
    share_heaps()
    # not rclpy's handlers: they end the context at once, and nobody would hear that the targets are stopped
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        code = _run()
    except (KeyboardInterrupt, ExternalShutdownException):
        code = 0
    rclpy.utilities.try_shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is closed; taking PyTorch apart on top of that would take seconds


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Ends the node, and soon the process: a step or a loading that hangs on the device cannot keep it alive.

    Only once: a terminal and ros2 launch send a signal each, and a second one would break into the end.
    """
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    watchdog = Timer(LONGEST_END, os._exit, [0])
    watchdog.daemon = True
    watchdog.start()
    raise KeyboardInterrupt


def _run() -> int:
    try:
        node = TrackerNode(make_tracker)
    except (ConfigError, InvalidParameterValueException, InvalidParameterTypeException) as error:
        rclpy.logging.get_logger("tracker").fatal(f"a parameter is wrong: {error}")
        return 2
    requests = services.THREADS * len(node.settings.cameras)
    images = OneGroup(node, node.images)
    executor = OtherGroups(images, THREADS + requests)
    executor.add_node(node)
    Thread(target=_receive, args=(images, node), name="images", daemon=True).start()
    try:
        _spin(executor, node, LONGEST_DEAFNESS)
    finally:
        node.leave()
        _send_results(executor, node)
        node.destroy_node()
        executor.shutdown(timeout_sec=0)
    return 0


def _receive(images: OneGroup, node: TrackerNode) -> None:
    """Until the context is shut down, which wakes it."""
    with suppress(ExternalShutdownException):
        _spin(images, node, longest=None)


def _spin(executor: Executor, node: TrackerNode, longest: float | None) -> None:
    """A request that rclpy itself chokes on, like a transition that does not exist, does not end the node."""
    while rclpy.utilities.ok():
        _spin_once(executor, node, longest)


def _send_results(executor: Executor, node: TrackerNode) -> None:
    """Of goals that ended last: rclpy makes a result in a task of the executor and sends it in the next."""
    end = time.monotonic() + LONGEST_GOODBYE
    for _ in ("made", "sent", "on their way"):
        done = executor.create_task(lambda: None)  # tasks have their turns in order
        while not done.done() and time.monotonic() < end and rclpy.utilities.ok():
            _spin_once(executor, node, LONGEST_DEAFNESS)


def _spin_once(executor: Executor, node: TrackerNode, longest: float | None) -> None:
    """One turn, and a breath for the thread that got something to do: the tracker's, or one of the executor.

    Spinning on holds Python's lock, which that thread needs to begin, and until it begins, rclpy hands the
    same to it over and over: of a camera at 30 Hz up to half of the images were lost so on an idle machine.
    """
    try:
        executor.spin_once(timeout_sec=longest)
        time.sleep(BREATH)
    except ExternalShutdownException:
        raise
    except Exception as error:
        node.fail(f"a callback failed: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
