"""The managed life of the node."""

import gc
import re
import threading
import weakref

import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Log
from rcl_interfaces.srv import GetParameters
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter

from s2iammask.msg import TrackEvent
from s2iammask_core import RuntimeConfig, Tracker
from s2iammask_core.config import NetworkConfig
from s2iammask_core.errors import WeightsError
from s2iammask_core.model import build_network
from s2iammask_core.runtime import weights_file
from s2iammask_core.runtime.torch_tracker import make_tracker
from s2iammask_ros.camera import Camera
from s2iammask_ros.node import TrackerNode
from s2iammask_ros.pipeline import Pipeline


def change(world, transition):
    request = ChangeState.Request(transition=Transition(id=transition))
    return world.call(ChangeState, "tracker/change_state", request).success


def state(world):
    return world.call(GetState, "tracker/get_state", GetState.Request()).current_state.id


def test_the_node_starts_by_itself(world, make_node):
    make_node()
    world.spin_until(lambda: state(world) == State.PRIMARY_STATE_ACTIVE)


def test_without_autostart_it_waits_to_be_asked(world, make_node):
    node = make_node(autostart=False)

    assert state(world) == State.PRIMARY_STATE_UNCONFIGURED
    assert change(world, Transition.TRANSITION_CONFIGURE)
    assert state(world) == State.PRIMARY_STATE_INACTIVE
    assert change(world, Transition.TRANSITION_ACTIVATE)
    assert state(world) == State.PRIMARY_STATE_ACTIVE
    assert node.counts().received == 0


def test_missing_weights_fail_the_transition_and_say_what_to_do(world, make_node):
    def missing(weights, config, runtime):
        raise WeightsError(f"there is no weights file {weights}; give one with the parameter weights")

    node = make_node(missing, autostart=False, weights="/nowhere.safetensors", report_period=0.1)
    heard = world.listen(DiagnosticArray, "/diagnostics")

    assert not change(world, Transition.TRANSITION_CONFIGURE)
    assert state(world) == State.PRIMARY_STATE_UNCONFIGURED
    assert "/nowhere.safetensors" in node.failure
    world.spin_until(lambda: heard and heard[-1].status[0].level == DiagnosticStatus.ERROR)
    assert "parameter weights" in heard[-1].status[0].message


def test_what_goes_wrong_in_activating_is_said_and_leaves_nothing_behind(world, make_node):
    wrong = {"qos_overrides./image.subscription.reliability": "rather good"}
    node = make_node(autostart=False, report_period=0.1, **wrong)
    heard = world.listen(DiagnosticArray, "/diagnostics")

    assert change(world, Transition.TRANSITION_CONFIGURE)
    assert not change(world, Transition.TRANSITION_ACTIVATE)

    assert state(world) == State.PRIMARY_STATE_INACTIVE
    assert "rather good" in node.failure
    world.spin_until(lambda: heard and heard[-1].status[0].level == DiagnosticStatus.ERROR)
    assert "rather good" in heard[-1].status[0].message
    assert not node.pipeline.cameras
    assert "tracker" not in [thread.name for thread in threading.enumerate()]


def test_topics_that_cannot_be_opened_fail_the_transition_and_are_named(world, make_node):
    wrong = {"qos_overrides./tracker/tracks.publisher.reliability": "rather good"}
    node = make_node(autostart=False, **wrong)

    assert not change(world, Transition.TRANSITION_CONFIGURE)

    assert state(world) == State.PRIMARY_STATE_UNCONFIGURED
    assert "rather good" in node.failure


def test_it_can_be_configured_again_after_a_failure(world, make_node, network):
    attempts = []

    def second_time(weights, config, runtime):
        attempts.append(weights)
        if len(attempts) == 1:
            raise WeightsError("not yet")
        return Tracker.of(network, config)

    node = make_node(second_time, autostart=False)

    assert not change(world, Transition.TRANSITION_CONFIGURE)
    assert change(world, Transition.TRANSITION_CONFIGURE)
    assert node.failure == ""


def test_deactivating_stops_the_targets_and_says_so(world, tracking):
    tracking()
    heard = world.listen(TrackEvent, "tracker/events", latched=True)

    assert change(world, Transition.TRANSITION_DEACTIVATE)

    world.spin_until(lambda: heard and heard[-1].reason == TrackEvent.DEACTIVATED)
    assert (heard[-1].id, heard[-1].to_state) == ("red", TrackEvent.NOT_TRACKED)


@pytest.mark.parametrize("steps", [[], ["configure"], ["configure", "activate", "deactivate", "cleanup"]])
def test_an_inactive_node_refuses_requests_with_a_hint(world, make_node, steps, box):
    make_node(autostart=False)
    for step in steps:
        assert change(world, getattr(Transition, f"TRANSITION_{step.upper()}"))

    answer = world.start(boxes=[box(1, 1, 9, 9)])

    assert not answer.success
    assert "ros2 lifecycle set /tracker activate" in answer.message
    assert ("configure" in answer.message) == (steps != ["configure"])


@pytest.fixture
def slow_node(world, network):
    """A node that spins in threads of its own, as the executable does, and loads until it is released."""
    release, asked = threading.Event(), threading.Event()

    def slow(weights, config, runtime):
        asked.set()
        assert release.wait(30)
        return Tracker.of(network, config)

    node = TrackerNode(slow, context=world.context, parameter_overrides=[Parameter("weights", value="big")])
    executor = MultiThreadedExecutor(num_threads=4, context=world.context)
    executor.add_node(node)
    spinning = threading.Thread(target=executor.spin, daemon=True)
    spinning.start()
    world.spin_until(asked.is_set)
    yield release
    release.set()
    world.spin_until(lambda: state(world) == State.PRIMARY_STATE_ACTIVE)
    executor.shutdown()
    spinning.join()
    node.destroy_node()


def test_while_weights_are_loaded_everything_is_answered_at_once(world, slow_node, box):
    log = world.listen(Log, "/rosout", latched=True)

    asked = world.call(GetParameters, "tracker/get_parameters", GetParameters.Request(names=["weights"]))
    assert asked.values[0].string_value == "big"
    assert state(world) == State.TRANSITION_STATE_CONFIGURING
    assert "still loading weights big on auto" in world.start(boxes=[box(1, 1, 9, 9)]).message
    assert not change(world, Transition.TRANSITION_ACTIVATE)

    slow_node.set()
    world.spin_until(lambda: any("active on cpu" in each.msg for each in log))
    said = [each.msg for each in log if each.name == "tracker"]
    assert any(text.startswith("loading weights big on auto") for text in said)
    assert any(re.match(r"loaded weights big on cpu in [\d.]+ s", text) for text in said)


def test_the_log_names_the_weights_that_are_loaded_by_default(world, make_node):
    log = world.listen(Log, "/rosout", latched=True)

    make_node()

    world.spin_until(lambda: any(f"loaded weights {weights_file().stem} on" in each.msg for each in log))


def test_a_transition_that_cannot_be_is_refused_at_once(world, make_node):
    make_node(autostart=False)

    assert not change(world, Transition.TRANSITION_DEACTIVATE)
    assert state(world) == State.PRIMARY_STATE_UNCONFIGURED


def test_cleanup_lets_go_of_the_network(world, make_node, make_network):
    held = []

    def fresh(weights, config, runtime):
        network = make_network()
        held.append(weakref.ref(network))
        return Tracker.of(network, config)

    make_node(fresh)
    world.spin_until(lambda: state(world) == State.PRIMARY_STATE_ACTIVE)
    assert change(world, Transition.TRANSITION_DEACTIVATE)
    assert change(world, Transition.TRANSITION_CLEANUP)

    gc.collect()
    assert held[0]() is None


def alive(kind):
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, kind)]


def live(world, node, camera, frame, request):
    """Configures, tracks an object over a few images, and cleans up."""
    assert change(world, Transition.TRANSITION_CONFIGURE)
    assert change(world, Transition.TRANSITION_ACTIVATE)
    world.spin_until(lambda: node.counts().received, lambda: camera.show(frame))
    assert world.start(boxes=[request]).success
    before = node.counts().processed
    world.spin_until(lambda: node.counts().processed > before + 2, lambda: camera.show(frame), seconds=60)
    assert change(world, Transition.TRANSITION_DEACTIVATE)
    assert change(world, Transition.TRANSITION_CLEANUP)


def test_no_tracker_and_no_network_outlives_a_cleanup(world, make_node, make_network, scene, colours, box):
    def fails_now_and_then(weights, config, runtime):
        network, calls = make_network(), []
        search = network.search

        def search_or_fail(*given):
            calls.append(1)
            if len(calls) % 5 == 4:
                raise ValueError("a bug")
            return search(*given)

        network.search = search_or_fail
        return Tracker.of(network, config)

    node = make_node(fails_now_and_then, autostart=False)
    kinds = (Tracker, make_network, Pipeline, Camera)
    before = [len(alive(kind)) for kind in kinds]

    for _ in range(2):
        live(world, node, world.camera(), scene((100, 80, 60, 40, colours[0])), box(100, 80, 60, 40))
        assert [len(alive(kind)) for kind in kinds] == before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_cleanup_gives_the_memory_of_the_gpu_back(world, make_node, scene, colours, box):
    def on_gpu(weights, config, runtime):
        return make_tracker(build_network(NetworkConfig()), config, RuntimeConfig(device="cuda"))

    def allocated():
        gc.collect()
        torch._C._cuda_clearCublasWorkspaces()  # those of the library, which it keeps for the process
        return torch.cuda.memory_allocated()

    node = make_node(on_gpu, autostart=False)
    frame, request = scene((100, 80, 60, 40, colours[0])), box(100, 80, 60, 40)
    start = allocated()
    live(world, node, world.camera(), frame, request)
    first = allocated()
    live(world, node, world.camera(), frame, request)

    assert first - start < 2**20  # the grid of anchors is kept for the process
    assert allocated() == first


def test_it_can_live_twice(world, tracking, make_node):
    node, _ = tracking()
    for step in ("DEACTIVATE", "CLEANUP", "CONFIGURE", "ACTIVATE"):
        assert change(world, getattr(Transition, f"TRANSITION_{step}"))

    assert node.counts().received == 0
    assert not node.pipeline.cameras[""].targets.known


@pytest.mark.parametrize("steps", [[], ["CONFIGURE"], ["CONFIGURE", "ACTIVATE"]])
def test_shutdown_works_in_every_state(world, make_node, steps):
    make_node(autostart=False)
    for step in steps:
        assert change(world, getattr(Transition, f"TRANSITION_{step}"))
    last = {0: "UNCONFIGURED", 1: "INACTIVE", 2: "ACTIVE"}[len(steps)]

    assert change(world, getattr(Transition, f"TRANSITION_{last}_SHUTDOWN"))

    assert state(world) == State.PRIMARY_STATE_FINALIZED
