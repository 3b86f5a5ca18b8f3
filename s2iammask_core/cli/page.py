"""Track on a page in the browser: a video or a folder of frames, with boxes drawn by hand.

S2IAMMASK_PAGE_TOKEN in the environment is the token of the address; without it one is made for each start,
except on this machine's own addresses, which need none.
"""

import argparse
import asyncio
import os

from s2iammask_core import load_tracker
from s2iammask_core.cli.settings import add_settings, chosen_settings
from s2iammask_core.errors import UnavailableError
from s2iammask_core.files.clips import open_clip
from s2iammask_core.runtime import weights_file

HOST, PORT = "127.0.0.1", 8765
RATE = 30.0  # most pictures a second that a browser gets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", help="video file, or folder of frames")
    parser.add_argument("--host", default=HOST, help="address to serve on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="0: any free one (default: %(default)s)")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    config, runtime = chosen_settings(args)
    clip = open_clip(args.video)
    if clip.endless:
        raise UnavailableError("the page has no cameras without ROS yet; give a video or a folder of frames")
    tracker = load_tracker(args.weights, config=config, runtime=runtime)
    try:
        from s2iammask_core.page.clip.backend import ClipBackend
        from s2iammask_core.page.hub import Hub
        from s2iammask_core.page.server import Server, serve
    except ImportError as error:
        raise UnavailableError(f"the page needs aiohttp ({error}): pip install 's2iammask[page]'") from error
    about = {"Weights": weights_file(args.weights).stem, "Device": tracker.device}
    server = Server(ClipBackend(clip, tracker, about), Hub(RATE))
    token = os.environ.get("S2IAMMASK_PAGE_TOKEN", "")
    asyncio.run(serve(server, args.host, args.port, announce, token))
    return 0


def announce(address: str) -> None:
    print(f"open {address}", flush=True)
