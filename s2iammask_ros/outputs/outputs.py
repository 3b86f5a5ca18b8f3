"""What is published about an image: made only for those topics that somebody listens to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from std_msgs.msg import Header

from s2iammask.msg import TrackedObjectArray, TrackEvent
from s2iammask_core import Track, TrackState
from s2iammask_core.geometry import HostFrame
from s2iammask_core.overlay import colour_of, draw_tracks, label_image
from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_ros.images.depth import View
from s2iammask_ros.messages.states import STATES
from s2iammask_ros.outputs import conversions, spatial
from s2iammask_ros.outputs.topics import (
    DETECTIONS,
    DETECTIONS_3D,
    EVENTS,
    LABEL_INFO,
    MARKERS,
    MASK,
    MASK_VIEW,
    OVERLAY,
    OVERLAY_JPEG,
    TARGET_POSE,
    TF,
    TRACKS,
    Publisher,
    Topic,
)
from s2iammask_ros.targets.records import Change, Tracked


@dataclass(frozen=True, slots=True)
class Result:
    """One image and what was found in it."""

    header: Header  # of the image
    frame: HostFrame  # (H, W, 3) RGB
    tracked: Sequence[Tracked]
    view: View | None = None  # what is known of space, if depth is asked for
    mask_encoding: str = "mono8"  # of the masks in tracks: mono8 or rle
    pose_target: str = ""  # id of the target that the pose is about; empty: the first that has one
    late: bool = False  # whether it is older than max_age: it says where things were, not where they are

    @property
    def size(self) -> tuple[int, int]:
        return self.frame.shape[0], self.frame.shape[1]

    @property
    def visible(self) -> list[Track]:
        """The tracks, without the old masks of those that are lost."""
        return [
            replace(each.track, mask=NO_MASK) if each.track.state is TrackState.LOST else each.track
            for each in self.tracked
        ]


class Listener(Protocol):
    """Somebody in this process who wants to know what is published."""

    def follow(self, result: Result) -> None: ...

    def tell(self, change: Change) -> None: ...


class Outputs:
    """Publishes results and changes of state, and tells the listeners."""

    def __init__(self, publisher: Publisher, listeners: Sequence[Listener] = ()) -> None:
        self._publisher, self._listeners = publisher, listeners
        self._labels: tuple[tuple[str, str], ...] | None = None

    def publish(self, result: Result, mask_threshold: float) -> None:
        """mask_threshold: share of the votes from which a pixel belongs to a mask, for LabelInfo."""
        header, tracked, size = result.header, result.tracked, result.size
        self._offer(TRACKS, lambda: tracks_message(result))
        if not result.late:  # a Detection2DArray cannot say so
            self._offer(DETECTIONS, lambda: conversions.detections_to_message(tracked, header))
        self._publish_labels(result, mask_threshold)
        self._offer(MASK, lambda: conversions.labels_to_image(result.visible, size, header))
        self._offer(MASK_VIEW, lambda: conversions.rgb_to_image(mask_view(result), header))
        self._publish_overlay(result)
        self._publish_space(result)
        for listener in self._listeners:
            listener.follow(result)

    def publish_changes(self, changes: Sequence[Change], header: Header) -> None:
        for change in changes:
            self._publisher.publish(EVENTS, event_message(change, header))
            for listener in self._listeners:
                listener.tell(change)

    def _offer(self, topic: Topic, make: Callable[[], Any]) -> None:
        if self._publisher.wanted(topic):
            self._publisher.publish(topic, make())

    def _publish_space(self, result: Result) -> None:
        header, tracked, view = result.header, result.tracked, result.view
        if view is not None and view.depth is not None and not result.late:
            self._offer(DETECTIONS_3D, lambda: spatial.detections_3d(tracked, view, header))
            self._publish_poses(result, view)
        self._offer(MARKERS, lambda: spatial.markers(tracked, view, header, result.size))

    def _publish_poses(self, result: Result, view: View) -> None:
        if not (self._publisher.wanted(TARGET_POSE) or self._publisher.wanted(TF)):
            return
        placed = spatial.placed(result.tracked, view)
        if placed:
            self._offer(TF, lambda: spatial.transforms(placed, result.header))
        chosen = [place for each, place in placed if result.pose_target in ("", each.id)]
        if chosen:
            self._offer(TARGET_POSE, lambda: spatial.target_pose(chosen[0], result.header))

    def _publish_labels(self, result: Result, threshold: float) -> None:
        """Once for each change of the targets: the topic keeps it for those who come later."""
        labels = tuple((each.id, each.label) for each in result.tracked)
        if labels != self._labels:
            self._labels = labels
            self._publisher.publish(
                LABEL_INFO, conversions.label_info(result.tracked, result.header, threshold)
            )

    def _publish_overlay(self, result: Result) -> None:
        raw, jpeg = self._publisher.wanted(OVERLAY), self._publisher.wanted(OVERLAY_JPEG)
        if not raw and not jpeg:
            return
        names = {each.track.id: spatial.name_of(each) for each in result.tracked}
        drawn = draw_tracks(result.frame, result.visible, names)
        if raw:
            self._publisher.publish(OVERLAY, conversions.rgb_to_image(drawn, result.header))
        if jpeg:
            self._publisher.publish(OVERLAY_JPEG, conversions.rgb_to_jpeg(drawn, result.header))


def tracks_message(result: Result) -> TrackedObjectArray:
    make = conversions.OBJECTS[result.mask_encoding]
    objects = [make(each, result.header) for each in result.tracked]
    height, width = result.size
    return TrackedObjectArray(
        header=result.header, height=height, width=width, late=result.late, objects=objects
    )


def mask_view(result: Result) -> HostFrame:
    """The label image for people: each object in the colour that it has in the overlay, on black."""
    colours = np.zeros((256, 3), np.uint8)
    for value, track in enumerate(result.visible[:255], start=1):
        colours[value] = colour_of(track.id)
    picture: HostFrame = colours[label_image(result.visible, result.size)]
    return picture


def event_message(change: Change, header: Header) -> TrackEvent:
    return TrackEvent(
        header=header,
        id=change.id,
        label=change.label,
        from_state=_state(change.before),
        to_state=_state(change.after),
        reason=int(change.reason),
        text=change.text,
    )


def _state(state: TrackState | None) -> int:
    return TrackEvent.NOT_TRACKED if state is None else int(STATES[state])
