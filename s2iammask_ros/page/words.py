"""What is the matter with a camera or the node, in words, and what to do."""

import math
from dataclasses import dataclass

from lifecycle_msgs.msg import State

from s2iammask_ros.messages.stamps import span_text
from s2iammask_ros.page.pairing import PATIENCE

SILENCE = 2.0  # seconds without an image after which a camera is called silent
LAUNCH = "ros2 launch s2iammask tracker.launch.py image:="


@dataclass(frozen=True, slots=True)
class Situation:
    """What a camera's stream is in."""

    tracker: str  # the node's full name
    is_there: bool
    state: int | None  # of lifecycle_msgs/State; None while it is not known
    topic: str  # of the images; empty while it is not known
    publishers: int
    silence: float  # seconds since the last image; 0 while nobody looks
    unanswered: float  # seconds since the last tracks; infinite: none came yet; 0 while nobody looks
    rate: float  # images tracked a second


def status(now: Situation) -> dict[str, str]:
    """level, title, text, command and short, for the page."""
    if not now.is_there:
        return _said(
            "error", "no node", f"The tracker node {now.tracker} is not there",
            "Start it; the page finds it by itself.", LAUNCH + (now.topic or "/camera/image_raw"),
        )  # fmt: skip
    if now.state != State.PRIMARY_STATE_ACTIVE:
        return _state(now.tracker, now.state)
    return _camera(now)


def _state(tracker: str, state: int | None) -> dict[str, str]:
    steps = {State.PRIMARY_STATE_UNCONFIGURED: "configure", State.PRIMARY_STATE_INACTIVE: "activate"}
    if state not in steps:
        text = "It is loading, or changing its state."
        return _said("waiting", "loading", "The tracker node is not ready yet", text, "")
    words = "is not configured" if state == State.PRIMARY_STATE_UNCONFIGURED else "is not active"
    text = "It tracks nothing until it is active."
    command = f"ros2 lifecycle set {tracker} {steps[state]}"
    return _said("waiting", "not active", f"The tracker node {words}", text, command)


def _camera(now: Situation) -> dict[str, str]:
    if not now.topic:
        text = (
            "The node listens to no image topic that the page could find; name it when the page is started."
        )
        return _said("waiting", "no camera", "The image topic is not known", text, PAGE)
    if now.publishers == 0:
        text = "Start the camera, or start the tracker with the camera's topic."
        title = f"No camera publishes on {now.topic}"
        return _said("waiting", "no camera", title, text, "ros2 topic list -t | grep Image")
    if now.silence > SILENCE:
        title = f"No image for {span_text(now.silence)}"
        text = f"{now.topic} has a publisher that is silent. Is the camera still there?"
        return _said("waiting", "silent", title, text, f"ros2 topic hz {now.topic}")
    if now.unanswered > PATIENCE:
        return _unanswered(now)
    return _said("ok", f"{now.rate:.1f} /s" if now.rate > 0 else "live", "", "", "")


def _unanswered(now: Situation) -> dict[str, str]:
    """Images that the page hears; the node may not, or has no time for them."""
    title = "The tracker node has not answered an image yet"
    if math.isfinite(now.unanswered):
        title = f"The tracker node has answered no image for {span_text(now.unanswered)}"
    text = f"Images come on {now.topic}. It begins, is busy, or they do not reach it."
    return _said("waiting", "no answer", title, text, f"ros2 topic hz {now.tracker}/tracks")


PAGE = "ros2 run s2iammask page --ros-args -r image:=/camera/image_raw"


def _said(level: str, short: str, title: str, text: str, command: str) -> dict[str, str]:
    return {"level": level, "short": short, "title": title, "text": text, "command": command}
