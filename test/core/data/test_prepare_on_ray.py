"""Preparation by several workers: the same crops, whatever fails or dies."""

import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from s2iammask_core.data import prepare as preparation
from s2iammask_core.data.prepare import prepare
from s2iammask_core.errors import DatasetError
from s2iammask_core.spread import Workers

SNIPPET = "Data/VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00010001"
LAST = f"{SNIPPET}/000005.JPEG"
ROOT = Path(__file__).parents[3]


def test_several_workers_write_the_same_as_one_also_after_an_error(
    cluster, vid, drawing, tmp_path, monkeypatch, contents
):
    monkeypatch.setattr(preparation, "BATCH", 1)
    prepare("vid", vid, tmp_path / "one", ["train"])
    picture = (vid / LAST).read_bytes()
    drawing.text(LAST, "torn")
    with pytest.raises(DatasetError, match=r"000005\.JPEG"):
        prepare("vid", vid, tmp_path / "two", ["train"], workers=Workers(2))
    (vid / LAST).write_bytes(picture)

    (result,) = prepare("vid", vid, tmp_path / "two", ["train"], workers=Workers(2))

    assert 0 < result.written < result.crops
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


KILLED = """
import sys
from pathlib import Path
from s2iammask_core.data.prepare import prepare
from s2iammask_core.spread import Workers
source, destination, address = sys.argv[1:]
prepare("vid", Path(source), Path(destination), ["train"], workers=Workers(2, address))
"""


def start_and_wait_until_it_reads(pipe, *words):
    """A run of KILLED, and the writing end of the pipe that one of its workers has begun to read."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, *map(str, words)], cwd=ROOT)
    while process.poll() is None:
        with suppress(OSError):
            return process, os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(f"the run ended by itself with {process.returncode}")


@pytest.mark.slow
def test_a_killed_run_leaves_no_worker_and_goes_on(cluster, vid, tmp_path, contents):
    prepare("vid", vid, tmp_path / "whole", ["train"])
    (vid / LAST).rename(tmp_path / "kept.JPEG")
    os.mkfifo(vid / LAST)
    process, pipe = start_and_wait_until_it_reads(vid / LAST, vid, tmp_path / "out", cluster.address)

    process.kill()
    process.wait()
    ended = select.poll()
    ended.register(pipe, 0)  # tells when the last reader of the pipe is gone
    assert ended.poll(20_000)
    os.close(pipe)
    (tmp_path / "kept.JPEG").replace(vid / LAST)
    (result,) = prepare("vid", vid, tmp_path / "out", ["train"])

    assert (result.written, result.crops) == (2, 10)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
