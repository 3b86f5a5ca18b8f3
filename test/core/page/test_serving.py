"""Where the page is served, and what is said where that cannot be."""

import argparse
import asyncio
import socket

import pytest

from s2iammask_core.cli.page import add_arguments
from s2iammask_core.errors import UnavailableError
from s2iammask_core.page.hub import Hub
from s2iammask_core.page.server import Server, serve


def served(drawn, host, port):
    asyncio.run(serve(Server(drawn, Hub()), host, port, print))


def test_a_port_that_is_taken_is_named_with_the_way_out(drawn):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"port {port}: Address already in use; take another port"):
            served(drawn, "127.0.0.1", port)


def test_an_address_that_is_not_this_machines_is_named(drawn):
    with pytest.raises(UnavailableError, match=r"serve on 192\.0\.2\.1, port 0: Cannot assign"):
        served(drawn, "192.0.2.1", 0)  # of documentation, nobody's


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_what_is_no_port_is_refused_before_anything_is_loaded(port, capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["clip.mp4", f"--port={port}"])
    assert f"'{port}' is no port" in capsys.readouterr().err
