"""The page to track on, beside the node: ros2 run s2iammask page.

It finds the node and its cameras by itself. S2IAMMASK_PAGE_TOKEN in the environment is the token of the
address; without it one is made for each start, except on this machine's own addresses, which need none.
"""

import asyncio
import os
import sys
from contextlib import suppress

import rclpy
import rclpy.utilities
from rclpy.signals import SignalHandlerOptions

from s2iammask_core.errors import S2iamMaskError, UnavailableError

NICE = 5  # the tracker goes first


def main() -> int:
    with suppress(OSError):
        os.nice(NICE)
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)  # the server ends, and the node with it
    try:
        _serve()
    except S2iamMaskError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    finally:
        rclpy.utilities.try_shutdown()
    return 0


def _serve() -> None:
    try:
        from s2iammask_core.page.hub import Hub
        from s2iammask_core.page.server import Server, serve
        from s2iammask_ros.page.backend import RosBackend
        from s2iammask_ros.page.client import PageNode
    except ImportError as error:
        raise UnavailableError(f"the page needs aiohttp ({error}): pip install aiohttp") from error
    hub = Hub()
    node = PageNode(hub)
    hub.rate = node.settings.rate
    token = os.environ.get("S2IAMMASK_PAGE_TOKEN", "")
    try:
        server = Server(RosBackend(node), hub)
        asyncio.run(serve(server, node.settings.host, node.settings.port, _announce, token))
    finally:
        node.destroy_node()


def _announce(address: str) -> None:
    sys.stdout.write(f"open {address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
