"""Places in space, and the messages about them."""

import math

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.msg import Log
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import Marker, MarkerArray

from s2iammask_core.errors import FrameError
from s2iammask_core.tracking.track import MaskRegion
from s2iammask_ros.images.depth import Intrinsics, Place, View, place_of
from s2iammask_ros.images.depth_stream import depth_in_metres
from s2iammask_ros.messages.arrays import byte_array
from s2iammask_ros.messages.stamps import time_message
from s2iammask_ros.outputs.spatial import facing_pose

CAMERA = Intrinsics(fx=400.0, fy=400.0, cx=159.5, cy=119.5)


def region(x, y, width, height):
    pixels = np.ones((height, width), np.bool_)
    return MaskRegion(x, y, pixels, pixels.astype(np.float32))


def depths(value=4.0):
    return np.full((240, 320), value, np.float32)


def info():
    message = CameraInfo(height=240, width=320)
    message.k = [400.0, 0.0, 159.5, 0.0, 400.0, 119.5, 0.0, 0.0, 1.0]
    return message


def depth_message(metres, encoding="32FC1", stamp=0):
    values = metres if encoding == "32FC1" else np.nan_to_num(metres * 1000).round().astype(np.uint16)
    rows = values.astype(values.dtype.newbyteorder("<"))
    step = rows.shape[1] * rows.itemsize
    image = Image(height=240, width=320, step=step, encoding=encoding, data=byte_array(rows))
    image.header.stamp = time_message(stamp)
    return image


def test_a_flat_object_lies_where_the_pinhole_says():
    place = place_of(region(200, 100, 40, 20), View(CAMERA, depths(2.0)))

    assert place.position == pytest.approx(((219.5 - 159.5) / 200, (109.5 - 119.5) / 200, 2.0), abs=1e-6)
    assert place.extent == pytest.approx((0.2, 0.1, 0.0), abs=0.03)


def test_the_background_in_a_loose_mask_does_not_count():
    depth = depths(8.0)
    depth[100:130, 200:240] = 2.0  # the mask below is ten rows larger

    place = place_of(region(200, 100, 40, 40), View(CAMERA, depth))

    assert place.position[2] == pytest.approx(2.0)
    assert place.extent[2] < 0.1


def test_the_covariance_is_the_spread_of_the_points():
    rows = np.random.default_rng(3).normal(3.0, 0.02, (240, 320)).astype(np.float32)

    place = place_of(region(50, 50, 120, 120), View(CAMERA, rows))

    assert place.covariance[2, 2] == pytest.approx(0.02**2, rel=0.1)
    assert place.covariance[0, 0] == pytest.approx((120 * 3 / 400) ** 2 / 12, rel=0.2)
    np.testing.assert_allclose(place.covariance, place.covariance.T)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_without_depth_there_is_no_place(value):
    assert place_of(region(50, 50, 40, 40), View(CAMERA, depths(value))) is None
    assert place_of(region(50, 50, 40, 40), View(CAMERA, None)) is None
    assert place_of(region(0, 0, 0, 0), View(CAMERA, depths())) is None


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_depth_images_are_read_in_metres(encoding):
    metres = depths(1.25)
    metres[0, 0] = np.nan

    read = depth_in_metres(depth_message(metres, encoding), 64.0)

    assert math.isnan(read[0, 0])
    assert read[5, 5] == pytest.approx(1.25)


def test_depth_of_another_type_is_refused():
    with pytest.raises(FrameError, match=r"rgb8.*16UC1"):
        depth_in_metres(Image(height=1, width=1, step=3, encoding="rgb8", data=bytes(3)), 64.0)


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_a_tracked_object_has_a_place_in_space(world, tracking, scene, colours, encoding):
    _, camera = tracking(depth=True)
    depth = world.robot.create_publisher(Image, "depth", 5)
    camera_info = world.robot.create_publisher(CameraInfo, "camera_info", 5)
    found = world.listen(Detection3DArray, "tracker/detections_3d")
    markers = world.listen(MarkerArray, "tracker/markers")
    frame, metres = scene((100, 80, 60, 40, colours[0])), depths(5.0)
    metres[80:120, 100:160] = 2.0

    def show():
        camera_info.publish(info())
        stamp = world.robot.get_clock().now().nanoseconds
        depth.publish(depth_message(metres, encoding, stamp))
        camera.show(frame, stamp)

    def has_cube():
        return any(marker.type == Marker.CUBE for array in markers for marker in array.markers)

    world.spin_until(lambda: found and found[-1].detections and has_cube(), show)

    (detection,) = found[-1].detections
    position = detection.bbox.center.position
    assert detection.id == "red"
    assert (position.x, position.y) == pytest.approx(((129.5 - 159.5) / 200, (99.5 - 119.5) / 200), abs=0.02)
    assert position.z == pytest.approx(2.0, abs=0.01)


def test_depth_that_nobody_publishes_is_warned_about_once_with_the_remedy(world, make_node, scene):
    make_node(depth=True, report_period=0.1, remap={"depth": "/camera/depth"})
    camera, log = world.camera(), world.listen(Log, "/rosout", latched=True)
    reports = world.listen(DiagnosticArray, "/diagnostics")

    def said():
        return [each for each in reports if any("/camera/depth" in status.message for status in each.status)]

    world.spin_until(lambda: len(said()) > 3, lambda: camera.show(scene()))

    warnings = [each.msg for each in log if "/camera/depth" in each.msg]
    assert len(warnings) == 1
    assert "nobody publishes /camera/depth; name the topic (depth:=TOPIC" in warnings[0]


def test_markers_are_drawn_on_a_plane_where_there_is_no_depth(world, tracking, scene, colours):
    _, camera = tracking()
    heard = world.listen(MarkerArray, "tracker/markers")

    def has_label():
        return heard and any(marker.text for marker in heard[-1].markers)

    world.spin_until(has_label, lambda: camera.show(scene((100, 80, 60, 40, colours[0]))))

    clear, box, label = heard[-1].markers
    assert clear.action == Marker.DELETEALL
    assert len(box.points) == 5
    assert {point.z for point in box.points} == {1.0}
    assert label.text.startswith("a red thing")
    assert box.header.frame_id == "camera_optical"


@pytest.mark.parametrize("position", [(0.0, 0.0, 2.0), (1.0, 0.5, 2.0), (-3.0, -0.2, 0.5)])
def test_a_target_s_frame_has_x_away_from_the_camera_and_z_up(position):
    pose = facing_pose(Place(position, (0.1, 0.1, 0.1), np.eye(3)))

    q = pose.orientation
    x, y, z = np.array(rotation(q.w, q.x, q.y, q.z)).T
    assert x == pytest.approx(np.array(position) / np.linalg.norm(position))
    assert z[1] < 0  # up is against the y of an optical frame
    assert y[1] == pytest.approx(0.0, abs=1e-9)
    assert np.cross(x, y) == pytest.approx(z)


def rotation(w, x, y, z):
    return [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]


def test_a_follower_gets_a_pose_and_a_frame_of_the_target_that_it_names(world, tracking, scene, colours):
    node, camera = tracking(depth=True, publish_tf=True, pose_target="red")
    images = world.robot.create_publisher(Image, "depth", 5)
    cameras = world.robot.create_publisher(CameraInfo, "camera_info", 5)
    poses, frames = world.listen(PoseStamped, "tracker/target_pose"), world.listen(TFMessage, "/tf")

    def show():
        cameras.publish(info())
        stamp = world.robot.get_clock().now().nanoseconds
        images.publish(depth_message(depths(2.0), stamp=stamp))
        camera.show(scene((100, 80, 60, 40, colours[0])), stamp)

    world.spin_until(lambda: poses and frames, show)

    assert poses[-1].header.frame_id == "camera_optical"
    assert poses[-1].pose.position.z == pytest.approx(2.0, abs=0.01)
    (frame,) = frames[-1].transforms
    assert (frame.header.frame_id, frame.child_frame_id) == ("camera_optical", "target/red")
    count = len(poses)
    node.set_parameters([Parameter("pose_target", value="nobody")])
    before = len(frames)
    world.spin_until(lambda: len(frames) > before + 3, show)
    assert len(poses) <= count + 1
