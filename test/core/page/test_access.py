"""Who may use the page; a stranger's page may not."""

import asyncio
import json

import pytest
from aiohttp import WSServerHandshakeError

from s2iammask_core.errors import ConfigError
from s2iammask_core.page.access import Access
from s2iammask_core.page.protocol import LONGEST_MESSAGE
from s2iammask_core.page.server import address

TOKEN = "a token that nobody guesses"
START = {"type": "start", "request": 1, "camera": "", "stamp": "1", "box": [9, 9, 9, 9, 0]}
STOP = {"type": "stop", "request": 2, "camera": "", "ids": None}


def test_this_machine_needs_no_token_and_others_get_a_new_one_each_time():
    assert Access.of("127.0.0.1").token == ""
    assert Access.of("::1").token == ""
    assert Access.of("localhost").token == ""
    one, other = Access.of("0.0.0.0").token, Access.of("192.168.1.5").token
    assert len(one) >= 24
    assert one != other


def test_a_token_that_can_be_guessed_is_refused():
    with pytest.raises(ConfigError, match="at least 16"):
        Access.of("127.0.0.1", "1234")


def test_the_printed_address_holds_the_token():
    assert address("127.0.0.1", 8765, "") == "http://127.0.0.1:8765/"
    assert address("::1", 80, "") == "http://[::1]:80/"
    assert address("192.168.1.5", 8765, "abc") == "http://192.168.1.5:8765/?token=abc"
    assert "0.0.0.0" not in address("0.0.0.0", 8765, "abc")


def test_a_token_of_any_characters_is_reached_by_the_printed_address(run, drawn, serving):
    token = "made of+base64/and&more=#%20=="

    async def scene():
        async with serving(drawn, token) as client:
            path = "/" + address("robot", client.port, token).partition(f":{client.port}/")[2]
            assert (await client.get(path)).status == 200
            assert (await client.get("/main.js")).status == 200  # by the cookie

    run(scene())


def test_a_cookie_that_is_no_text_is_refused_like_any_other(run, drawn, serving):
    async def scene():
        async with serving(drawn, TOKEN) as client:
            answer = await client.get("/", params={"token": TOKEN})
            (name,) = answer.cookies
            reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + name.encode() + b"=\xff\xfe\r\n\r\n")
            assert b" 401 " in await reader.readline()
            writer.close()

    run(scene())


def test_without_the_token_there_is_nothing(run, drawn, serving):
    async def scene():
        async with serving(drawn, TOKEN) as client:
            for path in ("/", "/main.js", "/files/x", "/?token=", "/?token=wrong", "/?token=%C3%A9"):
                answer = await client.get(path)
                assert answer.status == 401, path
                assert TOKEN not in await answer.text()
            with pytest.raises(WSServerHandshakeError, match="401"):
                await client.ws_connect("/ws")
            with pytest.raises(WSServerHandshakeError, match="401"):  # only the page's address takes it
                await client.ws_connect(f"/ws?token={TOKEN}")

    run(scene())


def test_with_the_token_the_browser_gets_a_strict_cookie_that_scripts_cannot_read(run, drawn, serving):
    async def scene():
        async with serving(drawn, TOKEN) as client:
            answer = await client.get("/", params={"token": TOKEN})
            (cookie,) = answer.cookies.values()
            assert (answer.status, cookie["samesite"], cookie["httponly"]) == (200, "Strict", True)
            assert (await client.get("/main.js")).status == 200
            async with client.ws_connect("/ws") as socket:
                assert json.loads((await socket.receive(timeout=20)).data)["type"] == "hello"

    run(scene())


@pytest.mark.parametrize("token", ["", TOKEN])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"])
@pytest.mark.parametrize("wish", [START, STOP])
def test_a_strangers_page_can_neither_start_nor_stop_a_target(run, drawn, serving, token, origin, wish):
    async def scene():
        async with serving(drawn, token) as client:
            await client.get("/", params={"token": token})  # the browser has the cookie
            with pytest.raises(WSServerHandshakeError, match="403"):
                async with client.ws_connect("/ws", origin=origin) as socket:
                    await socket.send_str(json.dumps(wish))
            assert drawn.asked == []

    run(scene())


def test_the_page_itself_can_start_and_stop(run, drawn, serving, opened):
    async def scene():
        async with serving(drawn) as client:
            origin = str(client.make_url("/")).rstrip("/")
            async with client.ws_connect("/ws", origin=origin) as socket:
                for wish in (START, STOP):
                    await socket.send_str(json.dumps(wish))
                    while json.loads((await socket.receive(timeout=20)).data)["type"] != "answer":
                        pass
            assert [type(wish).__name__ for wish in drawn.asked] == ["Start", "Stop"]

    run(scene())


def test_a_name_that_a_stranger_points_at_this_machine_is_refused(run, drawn, serving):
    async def scene():
        async with serving(drawn) as client:
            for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil"):
                assert (await client.get("/", headers={"Host": host})).status == 403, host
            for host in ("localhost:9000", "127.0.0.1:9000", "[::1]:9000"):  # as through ssh -L 9000:...
                assert (await client.get("/", headers={"Host": host})).status == 200, host

    run(scene())


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_embeds_is_refused(run, drawn, serving, site):
    async def scene():
        async with serving(drawn) as client:
            for path in ("/main.js", "/files/clip_overlay.mp4", "/ws"):
                assert (await client.get(path, headers={"Sec-Fetch-Site": site})).status == 403, path
            assert (await client.get("/", headers={"Sec-Fetch-Site": site})).status == 200  # a link to it

    run(scene())


def test_every_answer_forbids_foreign_scripts_frames_and_guessing(run, drawn, serving):
    async def scene():
        async with serving(drawn) as client:
            for path in ("/", "/main.js", "/nothing"):
                headers = (await client.get(path)).headers
                policy = headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert "frame-ancestors 'none'" in policy
                assert headers["X-Content-Type-Options"] == "nosniff"

    run(scene())


def test_the_page_has_no_inline_script_or_style_and_asks_nobody_else(run, drawn, serving):
    async def scene():
        async with serving(drawn) as client:
            page = await (await client.get("/")).text()
            assert "<script>" not in page
            assert "style=" not in page
            assert "onclick=" not in page
            for name in ("main.js", "theme.css", "layout.css", "parts.css", "charts.js"):
                text = await (await client.get(f"/{name}")).text()
                assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
                assert "https://" not in text

    run(scene())


async def first_line(port, path):
    """Of the answer to a path as it stands, which clients would tidy up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    return line


@pytest.mark.parametrize(
    "path",
    ["/../pyproject.toml", "/..%2f..%2fetc/passwd", "/%2e%2e/server.py", "//etc/passwd", "/vendor/",
     "/static", "/files/..%2fserver.py", "/files//etc/passwd", "/server.py", "/__init__.py"],
)  # fmt: skip
def test_no_path_of_the_machine_is_served(run, drawn, serving, path):
    async def scene():
        async with serving(drawn) as client:
            assert b" 404 " in await first_line(client.port, path)

    run(scene())


def test_messages_that_are_too_long_or_none_close_the_connection(run, drawn, serving):
    async def scene():
        async with serving(drawn) as client:
            for send, code in (
                (lambda socket: socket.send_str(" " * (LONGEST_MESSAGE + 1)), 1009),
                (lambda socket: socket.send_str("hello"), 1008),
                (lambda socket: socket.send_bytes(b"\0"), 1003),
            ):
                async with client.ws_connect("/ws") as socket:
                    await send(socket)
                    async for _ in socket:
                        pass
                    assert socket.close_code == code
            assert drawn.asked == []

    run(scene())
