"""The page's executable as a process of its own."""

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="pip install 's2iammask[page]'")

from ament_index_python import get_package_prefix

PAGE = Path(get_package_prefix("s2iammask")) / "lib" / "s2iammask" / "page"


HANDSHAKE = """GET /ws HTTP/1.1\r
Host: 127.0.0.1:{port}\r
Origin: http://127.0.0.1:{port}\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r
\r
"""


@pytest.fixture
def begun(begin_process):
    """The process, and the port of the address that it prints."""
    process = begin_process([PAGE, "--ros-args", "-p", "port:=0"], stdout=subprocess.PIPE)
    address = process.stdout.readline()
    assert address.startswith("open http://127.0.0.1:")
    return process, int(address.rstrip("/\n").rpartition(":")[2])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_any_number_of_signals_ends_the_page_with_success(begun, number):
    """A terminal sends one to all that runs in it, ros2 launch one more, which may come at the very end."""
    process, _ = begun

    while process.poll() is None:
        process.send_signal(number)
        time.sleep(0.001)

    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


@pytest.mark.slow
def test_a_browser_that_does_not_answer_keeps_the_page_for_seconds_only(begun):
    process, port = begun
    with socket.create_connection(("127.0.0.1", port)) as browser:
        browser.sendall(HANDSHAKE.format(port=port).encode())
        assert browser.recv(1000).startswith(b"HTTP/1.1 101")

        process.send_signal(signal.SIGTERM)

        assert process.wait(8) == 0
