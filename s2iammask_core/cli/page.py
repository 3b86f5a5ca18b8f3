"""Track on a page in the browser: a video, a folder of frames or a camera, with boxes drawn by hand.

S2IAMMASK_PAGE_TOKEN in the environment is the token of the address; without it one is made for each start,
except on this machine's own addresses, which need none.
"""

import argparse
import asyncio
import os
from typing import TYPE_CHECKING

from s2iammask_core import Tracker, load_tracker
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.errors import UnavailableError
from s2iammask_core.files.clips import Clip, open_clip
from s2iammask_core.runtime import weights_file

if TYPE_CHECKING:
    from s2iammask_core.page.backend import Backend

HOST, PORT, LAST_PORT = "127.0.0.1", 8765, 65535
RATE = 30.0  # most pictures a second that a browser gets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", help="video file, folder of frames, or camera (0, /dev/video0)")
    parser.add_argument("--host", default=HOST, help="address to serve on (default: %(default)s)")
    parser.add_argument(
        "--port", type=port_number, default=PORT, help="0: any free one (default: %(default)s)"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    config, runtime = chosen_settings(args)
    clip = open_clip(args.video)
    tracker = load_tracker(args.weights, config=config, runtime=runtime)
    about = {"Weights": weights_file(args.weights).stem, "Runtime": tracker.runtime, "Device": tracker.device}
    try:
        from s2iammask_core.page.hub import Hub
        from s2iammask_core.page.server import Server, serve
    except ImportError as error:
        raise UnavailableError(f"the page needs aiohttp ({error}): pip install 's2iammask[page]'") from error
    token = os.environ.get("S2IAMMASK_PAGE_TOKEN", "")
    server = Server(backend_of(clip, tracker, about), Hub(RATE))
    asyncio.run(serve(server, args.host, args.port, announce, token))
    return 0


def backend_of(clip: Clip, tracker: Tracker, about: dict[str, str]) -> "Backend":
    """A camera's pictures come by themselves; in a clip one can move."""
    if clip.endless:
        from s2iammask_core.page.live.backend import CameraBackend

        return CameraBackend(clip, tracker, about)
    from s2iammask_core.page.clip.backend import ClipBackend

    return ClipBackend(clip, tracker, about)


def port_number(text: str) -> int:
    """For argparse."""
    if not text.isdecimal() or int(text) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: one is a whole number from 0 to {LAST_PORT}")
    return int(text)


def announce(address: str) -> None:
    print(f"open {address}", flush=True)
