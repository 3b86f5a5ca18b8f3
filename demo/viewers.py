"""Viewers without eyes, in a process of their own: they take pictures as fast as one may, and paint none.

    python -m demo.viewers ADDRESS COUNT

What they cost is what the page spends on viewers that are elsewhere, as they usually are.
"""

import asyncio
import json
import os
import struct
import sys

from aiohttp import ClientSession, WSMsgType

WIDTH = 1280  # pixels of their screens
PATIENT = 19  # niceness


async def look(address: str) -> None:
    """One viewer, that shows each picture at once."""
    async with ClientSession() as session, session.ws_connect(f"{address}ws", max_msg_size=0) as socket:
        await socket.send_json({"type": "watch", "cameras": [""], "width": WIDTH})
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                (length,) = struct.unpack_from("<I", message.data)
                picture = json.loads(message.data[4 : 4 + length])
                await socket.send_json({"type": "shown", "camera": "", "number": picture["number"]})


async def look_together(address: str, count: int) -> None:
    await asyncio.gather(*(look(address) for _ in range(count)))


if __name__ == "__main__":
    os.nice(PATIENT)
    asyncio.run(look_together(sys.argv[1], int(sys.argv[2])))
