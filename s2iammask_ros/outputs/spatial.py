"""Messages about space: 3D detections, and markers for RViz and Foxglove."""

import math
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    PoseWithCovariance,
    Quaternion,
    Transform,
    TransformStamped,
    Vector3,
)
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import (
    BoundingBox3D,
    Detection3D,
    Detection3DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
)
from visualization_msgs.msg import Marker, MarkerArray

from s2iammask_core import TrackState
from s2iammask_core.overlay import GREY, colour_of
from s2iammask_ros.images.depth import Intrinsics, Place, View, place_of
from s2iammask_ros.targets.records import Tracked

UNKNOWN_ANGLE = math.pi**2 / 3  # variance of an angle that may have any value, square radians
PLANE = 1.0  # metres before the camera at which boxes without depth are drawn
LIFETIME = Duration(sec=1)
LINE = 0.004  # metres
LETTER = 0.04  # metres


def detections_3d(tracked: Sequence[Tracked], view: View, header: Header) -> Detection3DArray:
    """Those that are seen and have enough depth."""
    found = [_detection(each, place, header) for each, place in placed(tracked, view)]
    return Detection3DArray(header=header, detections=found)


def placed(tracked: Sequence[Tracked], view: View) -> list[tuple[Tracked, Place]]:
    """Those that are seen and have enough depth, with their places."""
    places = [(each, place_of(each.track.mask, view)) for each in tracked if _seen(each)]
    return [(each, place) for each, place in places if place is not None]


def target_pose(place: Place, header: Header) -> PoseStamped:
    return PoseStamped(header=header, pose=facing_pose(place))


def transforms(found: Sequence[tuple[Tracked, Place]], header: Header) -> TFMessage:
    """A frame for each, `target/` and its id, in that of the camera."""
    poses = [(each, facing_pose(place)) for each, place in found]
    return TFMessage(
        transforms=[
            TransformStamped(
                header=header,
                child_frame_id=f"target/{each.id}",
                transform=Transform(
                    translation=Vector3(x=pose.position.x, y=pose.position.y, z=pose.position.z),
                    rotation=pose.orientation,
                ),
            )
            for each, pose in poses
        ]
    )


def facing_pose(place: Place) -> Pose:
    """At the object, x away from the camera and z up: who goes there faces the object on the way."""
    position = np.array(place.position)
    x = position / np.linalg.norm(position)
    y = np.cross((0.0, -1.0, 0.0), x)
    y /= max(float(np.linalg.norm(y)), 1e-9)
    w, i, j, k = quaternion(np.stack([x, y, np.cross(x, y)], axis=1))
    return Pose(
        position=Point(x=position[0], y=position[1], z=position[2]),
        orientation=Quaternion(w=w, x=i, y=j, z=k),
    )


def quaternion(rotation: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """(w, x, y, z) of a rotation matrix (3, 3), as an eigenvector (Bar-Itzhack)."""
    r = rotation
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0.0, 0.0, 0.0],
            [r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], 0.0, 0.0],
            [r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1], 0.0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r.trace()],
        ]
    )
    x, y, z, w = np.linalg.eigh(k)[1][:, -1].tolist()  # of the lower half
    sign = -1.0 if w < 0 else 1.0
    return sign * w, sign * x, sign * y, sign * z


def _detection(tracked: Tracked, place: Place, header: Header) -> Detection3D:
    pose = PoseWithCovariance(pose=surface_pose(place), covariance=_covariance(place.covariance))
    hypothesis = ObjectHypothesis(class_id=name_of(tracked), score=float(tracked.track.confidence))
    width, height, length = place.extent
    return Detection3D(
        header=header,
        results=[ObjectHypothesisWithPose(hypothesis=hypothesis, pose=pose)],
        bbox=BoundingBox3D(center=surface_pose(place), size=Vector3(x=width, y=height, z=length)),
        id=tracked.id,
    )


def _covariance(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """36 values of x, y, z and the three angles, of which nothing is known."""
    values = np.diag([0.0] * 3 + [UNKNOWN_ANGLE] * 3)
    values[:3, :3] = position
    return values.ravel()


def surface_pose(place: Place) -> Pose:
    """At the visible surface and without a turn: nothing is known of the axes of the object."""
    x, y, z = place.position
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(w=1.0))


def markers(
    tracked: Sequence[Tracked], view: View | None, header: Header, size: tuple[int, int]
) -> MarkerArray:
    """Boxes and labels: at their place where depth is known, else on a plane before the camera.

    Without a CameraInfo the camera is taken to see about 53 degrees.
    """
    height, width = size
    usual = Intrinsics(float(width), float(width), width / 2 - 0.5, height / 2 - 0.5)
    seen = view or View(usual, None)
    found = [Marker(action=Marker.DELETEALL, header=header)]
    for number, each in enumerate(tracked):
        place = place_of(each.track.mask, seen) if _seen(each) else None
        found += _flat(each, seen.intrinsics, number) if place is None else _solid(each, place, number)
    for marker in found:
        marker.header, marker.lifetime = header, LIFETIME
    return MarkerArray(markers=found)


def _flat(tracked: Tracked, camera: Intrinsics, number: int) -> list[Marker]:
    corners = [_on_plane(x, y, camera) for x, y in tracked.track.rotated_box.corners.tolist()]
    line = Marker(
        ns="boxes",
        id=number,
        type=Marker.LINE_STRIP,
        points=[*corners, corners[0]],
        color=_colour(tracked),
        scale=Vector3(x=LINE),
        pose=Pose(orientation=Quaternion(w=1.0)),
    )
    top = min(corners, key=lambda corner: corner.y)
    return [line, _label(tracked, Point(x=top.x, y=top.y - LETTER, z=top.z), number)]


def _solid(tracked: Tracked, place: Place, number: int) -> list[Marker]:
    width, height, length = (max(side, LINE) for side in place.extent)
    cube = Marker(
        ns="boxes",
        id=number,
        type=Marker.CUBE,
        pose=surface_pose(place),
        color=_colour(tracked, alpha=0.4),
        scale=Vector3(x=width, y=height, z=length),
    )
    x, y, z = place.position
    return [cube, _label(tracked, Point(x=x, y=y - height / 2 - LETTER, z=z), number)]


def _label(tracked: Tracked, where: Point, number: int) -> Marker:
    pose = Pose(position=where, orientation=Quaternion(w=1.0))
    return Marker(
        ns="labels",
        id=number,
        type=Marker.TEXT_VIEW_FACING,
        pose=pose,
        color=_colour(tracked),
        scale=Vector3(z=LETTER),
        text=f"{name_of(tracked)} {100 * tracked.track.confidence:.0f} %",
    )


def _on_plane(x: float, y: float, camera: Intrinsics) -> Point:
    """A point of the image (continuous pixels) on the plane before the camera."""
    right, down = (x - 0.5 - camera.cx) / camera.fx, (y - 0.5 - camera.cy) / camera.fy
    return Point(x=right * PLANE, y=down * PLANE, z=PLANE)


def _colour(tracked: Tracked, alpha: float = 1.0) -> ColorRGBA:
    red, green, blue = colour_of(tracked.track.id) if _seen(tracked) else GREY
    return ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=alpha)


def _seen(tracked: Tracked) -> bool:
    return tracked.track.state is not TrackState.LOST


def name_of(tracked: Tracked) -> str:
    return tracked.label or tracked.id
