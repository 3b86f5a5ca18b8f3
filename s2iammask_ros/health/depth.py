"""Whether depth comes as it was asked for, and what to do if it does not."""

from dataclasses import dataclass

from s2iammask_ros.images.depth_stream import DepthCounts

MANY = 10  # images in a row without a depth image of their time


@dataclass(frozen=True, slots=True)
class Source:
    """A topic after all remapping, and how many publish on it."""

    topic: str
    publishers: int


@dataclass(frozen=True, slots=True)
class DepthReport:
    """The depth of one camera at a moment."""

    depth: Source
    camera_info: Source
    counts: DepthCounts
    tolerance: float  # seconds


def lack_of_depth(report: DepthReport) -> str:
    """What is missing for a place in space, with the remedy; empty if nothing is."""
    depth, info, counts = report.depth, report.camera_info, report.counts
    found = (
        (not depth.publishers and not counts.depths, f"nobody publishes {depth.topic}; {_name('depth')}"),
        (not counts.depths, f"no image comes on {depth.topic}, though somebody publishes there"),
        (
            not info.publishers and not counts.camera_infos,
            f"nobody publishes {info.topic}; {_name('camera_info')}",
        ),
        (not counts.camera_infos, f"nothing comes on {info.topic}, though somebody publishes there"),
        (not counts.calibrated, f"{info.topic} has no focal length: calibrate the camera"),
        (
            counts.depths_missed >= MANY,
            f"none of the last {counts.depths_missed} images has a depth image within depth_tolerance "
            f"({report.tolerance:g} s) of its stamp: synchronise the two, or set depth_tolerance higher",
        ),
    )
    text = next((text for holds, text in found if holds), "")
    return f"depth is true, but {text}" if text else ""


def _name(topic: str) -> str:
    return f"name the topic ({topic}:=TOPIC of tracker.launch.py, or a remapping), or set depth to false"
