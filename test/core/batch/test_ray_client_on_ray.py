"""Recordings on a cluster that this machine is no part of: Ray's client."""

import socket
import subprocess
import sys

import numpy as np
import pytest

from s2iammask_core.cli import main
from s2iammask_core.clip import shots
from s2iammask_core.files.pictures import write_picture


@pytest.fixture(scope="module")
def client_address(cluster):
    """Where clients reach the cluster; none has done so."""
    pytest.importorskip("grpc", reason="pip install 'ray[client]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cluster.head_node._ray_params.ray_client_server_port = port
    cluster.head_node.start_ray_client_server()
    return f"ray://127.0.0.1:{port}"


@pytest.fixture
def jobs(table, tmp_path):
    """A table of two short recordings of the demo's scene."""
    rows = []
    for number, shot in enumerate(shots(4)):
        write_picture(tmp_path / f"clip{number // 2}/{number % 2}.png", shot.frame)
        if number % 2 == 0:
            ys, xs = np.nonzero(shot.mask)
            sides = xs.max() + 1 - xs.min(), ys.max() + 1 - ys.min()
            rows.append((f"clip{number // 2}", 0, 1, "cup", xs.min(), ys.min(), *sides))
    return table(*rows)


def test_labels_are_made_through_rays_client(client_address, jobs, tmp_path, contents):
    words = ["batch", str(jobs), "--weights", "s2iammask", "--formats", "coco,boxes,davis"]
    there = ["--workers", "2", "--address", client_address, "--out", str(tmp_path / "there")]
    command = [sys.executable, "-m", "s2iammask_core", *words, *there]

    ended = subprocess.run(command, capture_output=True, text=True)
    assert main([*words, "--workers", "0", "--out", str(tmp_path / "here")]) == 0

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"2 done; labels in {tmp_path / 'there'}\n"
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
