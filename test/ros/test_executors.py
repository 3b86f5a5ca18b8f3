"""One group of a node's callbacks has an executor of its own; another one has the rest."""

import threading

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from std_msgs.msg import String

from s2iammask_ros.executors import OneGroup, OtherGroups


@pytest.fixture
def node(world):
    node = rclpy.create_node("listener", context=world.context)
    yield node
    node.destroy_node()


@pytest.fixture
def executors(node):
    """That of one group, and that of the others."""
    apart = OneGroup(node, MutuallyExclusiveCallbackGroup())
    others = OtherGroups(apart, threads=2)
    others.add_node(node)
    yield apart, others
    others.shutdown()
    apart.shutdown()


def hear(node, topic, group=None):
    """A list that fills with the names of the threads on which something is heard."""
    threads = []
    node.create_subscription(
        String,
        topic,
        lambda _: threads.append(threading.current_thread().name),
        10,
        callback_group=group,
    )
    return threads


def spin_until(executor, done, attempt):
    for _ in range(300):
        if done():
            return
        attempt()
        executor.spin_once(timeout_sec=0.05)
    pytest.fail("nothing came in time")


def test_the_callbacks_of_the_group_run_on_the_thread_that_spins_its_executor(world, node, executors):
    apart, _ = executors
    image = hear(node, "image", apart.group)
    say = world.robot.create_publisher(String, "image", 10)

    spin_until(apart, lambda: image, lambda: say.publish(String()))

    assert set(image) == {threading.current_thread().name}


def test_each_executor_leaves_the_callbacks_of_the_other_one_alone(world, node, executors):
    apart, others = executors
    image, request = hear(node, "image", apart.group), hear(node, "request")
    says = [world.robot.create_publisher(String, topic, 10) for topic in ("image", "request")]

    spin_until(others, lambda: request, lambda: [say.publish(String()) for say in says])
    assert not image
    spin_until(apart, lambda: image, lambda: None)

    assert threading.current_thread().name not in request


def test_what_is_subscribed_to_later_is_heard_at_once(world, node, executors):
    apart, _ = executors
    spinning = threading.Thread(target=apart.spin_once, name="images", daemon=True)
    spinning.start()  # without a time limit: it waits for nothing yet

    image = hear(node, "image", apart.group)
    say = world.robot.create_publisher(String, "image", 10)
    world.spin_until(lambda: image, lambda: say.publish(String()))

    assert set(image) == {"images"}


def test_the_executor_of_the_node_is_that_of_the_other_groups(node, executors):
    _, others = executors

    assert node.executor is others
