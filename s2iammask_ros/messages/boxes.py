"""Boxes to messages and back."""

from vision_msgs.msg import BoundingBox2D, Point2D, Pose2D

from s2iammask_core import RotatedBox


def rotated_to_message(box: RotatedBox) -> BoundingBox2D:
    """float(...): rclpy ends the process for an integer in a float field."""
    center = Pose2D(position=Point2D(x=float(box.cx), y=float(box.cy)), theta=float(box.theta))
    return BoundingBox2D(center=center, size_x=float(box.width), size_y=float(box.height))


def rotated_from_message(box: BoundingBox2D) -> RotatedBox:
    position = box.center.position
    return RotatedBox(position.x, position.y, box.size_x, box.size_y, box.center.theta)
