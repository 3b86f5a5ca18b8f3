"""The HTTP server: the page's own files, a WebSocket for each browser, and files made for downloading."""

import asyncio
import errno
import os
from collections.abc import Callable
from contextlib import suppress
from importlib import resources
from socket import gethostname
from urllib.parse import quote

from aiohttp import WSMsgType, web

from s2iammask_core.errors import RequestError, UnavailableError
from s2iammask_core.page.access import Access, guarded
from s2iammask_core.page.backend import Backend
from s2iammask_core.page.ending import until_asked_to_end
from s2iammask_core.page.hub import Hub
from s2iammask_core.page.protocol import LONGEST_MESSAGE
from s2iammask_core.page.viewer import Viewer

MOST_VIEWERS = 32
EVERYWHERE = ("", "0.0.0.0", "::")  # hosts that stand for all addresses of the machine
HEARTBEAT = 60.0  # seconds; a browser behind a slow link needs time to read what is on its way
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
STATIC = resources.files("s2iammask_core.page") / "static"


class Server:
    """Serves one back end to any number of browsers."""

    def __init__(self, backend: Backend, hub: Hub) -> None:
        self._backend, self._hub = backend, hub
        self._viewers: dict[Viewer, web.WebSocketResponse] = {}
        self._files = _own_files()

    def app(self, access: Access) -> web.Application:
        app = web.Application(middlewares=[guarded(access)], client_max_size=LONGEST_MESSAGE)
        app.router.add_get("/", self._page)
        app.router.add_get("/ws", self._socket)
        app.router.add_get("/files/{name}", self._download)
        app.router.add_get("/{path:.+}", self._page)
        app.on_startup.append(self._open)
        app.on_shutdown.append(self._close)
        return app

    async def _open(self, app: web.Application) -> None:
        self._hub.open()
        self._hub.tell("hello", **self._backend.greeting.record())
        await self._backend.open(self._hub)

    async def _close(self, app: web.Application) -> None:
        for socket in list(self._viewers.values()):
            await socket.close(code=1001, message=b"the server ends")
        await self._backend.close()
        self._hub.close()

    async def _page(self, request: web.Request) -> web.Response:
        """One of the files that were there at the start; no path reaches the disk."""
        found = self._files.get(request.match_info.get("path", "index.html"))
        if found is None:
            raise web.HTTPNotFound(text="there is nothing here")
        kind, data = found
        return web.Response(body=data, content_type=kind, charset="utf-8")

    async def _download(self, request: web.Request) -> web.FileResponse:
        name = request.match_info["name"]
        path = self._backend.file(name)
        if path is None:
            raise web.HTTPNotFound(text="there is nothing here")
        return web.FileResponse(path, headers={"Content-Disposition": f'attachment; filename="{path.name}"'})

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        if len(self._viewers) >= MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_VIEWERS} browsers look already; close one")
        socket = web.WebSocketResponse(max_msg_size=LONGEST_MESSAGE, heartbeat=HEARTBEAT, compress=False)
        await socket.prepare(request)
        viewer = Viewer(self._hub, self._backend, self._watch)
        self._viewers[viewer] = socket
        writing = asyncio.create_task(viewer.write(socket))
        try:
            await _read(viewer, socket)
        finally:
            del self._viewers[viewer]
            viewer.leave()
            writing.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writing
        return socket

    def _watch(self) -> None:
        self._backend.watch(frozenset().union(*(viewer.cameras for viewer in self._viewers)))


async def _read(viewer: Viewer, socket: web.WebSocketResponse) -> None:
    """Until the browser leaves or sends what is no message."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            await socket.close(code=1003, message=b"texts only")
            return
        try:
            viewer.read(message.data)
        except RequestError as error:
            await socket.close(code=1008, message=str(error).encode()[:120])
            return


def _own_files() -> dict[str, tuple[str, bytes]]:
    """By path: type and bytes of what belongs to the page."""
    found = {}
    for folder, prefix in ((STATIC, ""), (STATIC / "vendor", "vendor/")):
        for file in folder.iterdir():
            kind = KINDS.get("." + file.name.rpartition(".")[2])
            if kind is not None:
                found[prefix + file.name] = (kind, file.read_bytes())
    return found


async def serve(
    server: Server, host: str, port: int, announce: Callable[[str], None], token: str = ""
) -> None:
    """Serves until the process is asked to end; `announce` gets the address to open."""
    access = Access.of(host, token)
    runner = web.AppRunner(server.app(access), access_log=None)
    with until_asked_to_end() as asked:
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            try:
                await site.start()
            except OSError as error:
                raise UnavailableError(cannot_serve(host, port, error)) from error
            announce(address(host, runner.addresses[0][1], access.token))
            await asked.wait()
        finally:
            await runner.cleanup()


def cannot_serve(host: str, port: int, error: OSError) -> str:
    number = error.errno or 0  # below 0 for a name that is not known
    reason = os.strerror(number) if number > 0 else str(error)
    other = "; take another port, or 0 for any free one" if number == errno.EADDRINUSE else ""
    return f"cannot serve on {host}, port {port}: {reason}{other}"


def address(host: str, port: int, token: str) -> str:
    """What to type into a browser."""
    name = gethostname() if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={quote(token, safe='')}" if token else "")
