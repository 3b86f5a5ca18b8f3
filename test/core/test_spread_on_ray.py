"""Work on Ray's actors: what comes of it, and what happens to workers that die."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from s2iammask_core.errors import ConfigError, UnavailableError, VideoError, WeightsError
from s2iammask_core.spread import Failed, Outcome, Workers, crew, session, spread

pytestmark = pytest.mark.usefixtures("travels")


class Doubling:
    """Doubles numbers; odd ones have a story."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self):
        return self.work

    def work(self, item, tick):
        tick(item)
        if item == 13:
            raise VideoError("13 cannot be read")
        if item == 15:
            raise ValueError("15 is not foreseen")
        tries = self.begun(item)
        if item == 17 or (item == 19 and tries == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * item

    def begun(self, item):
        with (self.folder / str(item)).open("a") as file:
            file.write("begun\n")
        return len((self.folder / str(item)).read_text().splitlines())


def broken():
    raise WeightsError("there are no weights")


def told(outcomes):
    return {each.item: each.result if isinstance(each, Outcome) else str(each.error) for each in outcomes}


@pytest.mark.parametrize("count", [0, 2])
def test_each_item_is_worked_on_once(cluster, tmp_path, count):
    frames = []

    outcomes = list(spread(Doubling(tmp_path), range(0, 12, 2), Workers(count), frames.append))

    assert told(outcomes) == {0: 0, 2: 4, 4: 8, 6: 12, 8: 16, 10: 20}
    assert {file.read_text() for file in tmp_path.iterdir()} == {"begun\n"}
    assert sum(frames) == 30


@pytest.mark.parametrize("count", [0, 2])
def test_an_item_that_fails_does_not_harm_the_others(cluster, tmp_path, count):
    frames = []

    outcomes = list(spread(Doubling(tmp_path), [2, 13, 15, 4], Workers(count, retries=1), frames.append))

    assert told(outcomes) == {2: 4, 4: 8, 13: "13 cannot be read", 15: "15 is not foreseen"}
    assert {each.item: each.tries for each in outcomes if isinstance(each, Failed)} == {13: 1, 15: 2}
    assert sum(frames) == 6


def test_what_kills_its_process_is_tried_again_and_fails_alone(cluster, tmp_path):
    outcomes = list(spread(Doubling(tmp_path), [2, 17, 19, 4, 6], Workers(2, retries=1)))

    found = told(outcomes)
    assert "its process died" in found.pop(17)
    assert found == {2: 4, 19: 38, 4: 8, 6: 12}
    assert len((tmp_path / "17").read_text().splitlines()) == 2


def process_id():
    return lambda item, tick: os.getpid()


def test_workers_stay_for_the_next_work_and_are_replaced_if_they_died_meanwhile(cluster, tmp_path):
    with crew(Workers(1, retries=0)) as hands:
        assert told(hands.run(Doubling(tmp_path), [2])) == {2: 4}
        first, second = (told(hands.run(process_id, [0]))[0] for _ in range(2))
        os.kill(first, signal.SIGKILL)
        third = told(hands.run(process_id, [0]))[0]

    assert first == second != third


def reading():
    return lambda item, tick: Path(item).read_text()


@pytest.mark.parametrize("count", [0, 1])
def test_paths_mean_to_workers_what_they_mean_here(cluster, tmp_path, monkeypatch, count):
    (tmp_path / "note").write_text("said here")
    monkeypatch.chdir(tmp_path)

    assert told(spread(reading, ["note"], Workers(count))) == {"note": "said here"}


def test_items_are_taken_as_workers_become_free(cluster, tmp_path):
    taken = []
    items = (taken.append(number) or number for number in range(0, 100, 2))

    outcomes = spread(Doubling(tmp_path), items, Workers(1))
    next(outcomes)

    assert len(taken) <= 2
    outcomes.close()


@pytest.mark.parametrize("count", [0, 1])
def test_a_worker_that_cannot_begin_says_why(cluster, count):
    with pytest.raises(WeightsError, match="there are no weights"):
        list(spread(broken, [1, 2], Workers(count)))


DYING = """
import os, signal
from s2iammask_core.errors import UnavailableError
from s2iammask_core.spread import Workers, session, spread
workers = Workers(1, {address!r}, retries=1)
with session(workers):
    try:
        list(spread(lambda: os.kill(os.getpid(), signal.SIGKILL), [1], workers))
    except UnavailableError as error:
        print(error)
"""


def test_workers_that_die_while_they_begin_are_given_up_and_ray_itself_says_nothing(cluster):
    program = DYING.format(address=cluster.address)

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("workers die while they begin")
    assert "raylet" not in ended.stdout


def test_a_lost_node_loses_no_item(cluster, tmp_path):
    node = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)

    with (tmp_path / "gate").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        outcomes = spread(Waiting(tmp_path / "gate"), range(6), Workers(3))
        first = next(outcomes)
        cluster.remove_node(node, allow_graceful=False)
    found = [first, *outcomes]

    assert sorted(each.result for each in found) == list(range(6))


class Waiting:
    """Item 0 is done at once, the others when the gate is open."""

    def __init__(self, gate):
        self.gate = gate

    def __call__(self):
        return self.work

    def work(self, item, tick):
        with self.gate.open() as gate:
            if item:
                fcntl.flock(gate, fcntl.LOCK_SH)
        return item


def test_a_full_object_store_stops_nobody(cluster, tmp_path):
    kept = [pytest.importorskip("ray").put(os.urandom(16 * 2**20)) for _ in range(4)]

    outcomes = list(spread(Doubling(tmp_path), range(0, 8, 2), Workers(1)))

    assert told(outcomes) == {0: 0, 2: 4, 4: 8, 6: 12}
    assert len(kept) == 4


@pytest.mark.parametrize("wrong", [{"count": -1}, {"cpus": 0}, {"gpus": -0.5}, {"retries": -1}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError, match="must be 0 or more"):
        Workers(**wrong)


def test_without_ray_several_workers_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(UnavailableError, match=r"pip install 's2iammask\[batch\]'"), session(Workers(2)):
        pass


@pytest.fixture
def client(monkeypatch):
    """A stand-in for Ray, whose client fails with these errors, one after the other, and then connects."""
    ray = pytest.importorskip("ray")

    def fail(*errors):
        left = list(errors)

        def init(address, **options):
            assert address.startswith("ray://")
            if left:
                raise left.pop(0)

        monkeypatch.setattr(ray, "is_initialized", lambda: False)
        monkeypatch.setattr(ray, "init", init)
        monkeypatch.setattr(ray, "cluster_resources", dict)
        monkeypatch.setattr(ray, "shutdown", lambda: None)
        return left

    return fail


SLOW = ConnectionAbortedError("Initialization failure from server:\nTraceback\nRuntimeError: Proxy failed.\n")


def test_a_cluster_that_is_slow_to_serve_its_first_client_is_asked_again(client):
    left = client(SLOW, SLOW)

    with session(Workers(1, "ray://127.0.0.1:1")):
        assert left == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            SLOW,
            r"cannot begin to serve: RuntimeError: Proxy failed\. Run it again; .*CHANNEL_TIMEOUT_S=120",
        ),
        (ConnectionError("ray client connection timeout"), "does not answer: .*timeout; is this the port"),
    ],
)
def test_a_cluster_that_clients_cannot_reach_says_what_to_do(client, error, said):
    client(error, error, error)

    with pytest.raises(UnavailableError, match=said), session(Workers(1, "ray://127.0.0.1:1")):
        pass


OWN = """
import ray
from s2iammask_core.spread import Workers, session
with session(Workers(1)):
    print(ray.get_runtime_context().gcs_address)
"""


def test_without_an_address_ray_is_one_of_its_own(cluster):
    program = [sys.executable, "-c", OWN]

    own = subprocess.check_output(program, env={**os.environ, "RAY_ADDRESS": cluster.address}, text=True)

    assert ":" in own
    assert own.strip() != cluster.address


def test_work_in_this_process_needs_no_ray(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)

    with session(Workers(0)) as dashboard:
        outcomes = list(spread(Doubling(tmp_path), [2], Workers(0)))

    assert (dashboard, told(outcomes)) == ("", {2: 4})
