"""A link between a browser and the page that carries little."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

PIECE = 4096  # bytes
BUFFER = 16_384  # bytes that the system keeps for us, so that the sender feels how slow we are


@contextmanager
def slow_link(address: str, rate: float) -> Iterator[str]:
    """The address under which the page is reached at so many bytes a second, in each direction."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="slow link", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_open(address, rate), loop).result(10)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _open(address: str, rate: float) -> asyncio.Server:
    place = urlsplit(address)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ours = socket.socket()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)  # before it is connected, to hold
        ours.setblocking(False)
        await asyncio.get_running_loop().sock_connect(ours, (place.hostname, place.port))
        theirs = await asyncio.open_connection(sock=ours, limit=BUFFER)
        await asyncio.gather(_carry(reader, theirs[1], rate), _carry(theirs[0], writer, rate))

    return await asyncio.start_server(connected, "127.0.0.1", 0, limit=BUFFER)


async def _close(server: asyncio.Server) -> None:
    server.close()
    carrying = asyncio.all_tasks() - {asyncio.current_task()}
    for each in carrying:
        each.cancel()
    await asyncio.gather(*carrying, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rate: float) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(len(data) / rate)
    writer.close()
