"""Tracks with depth for a follower such as nav2: an example of how a robot's bring-up includes the tracker.

    ros2 launch s2iammask follow.launch.py image:=/camera/color/image_raw depth:=/camera/depth/image_raw

The object with the id `me` is followed: its pose goes to /goal_update, its frame is target/me.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {
    "image": ("/camera/image_raw", "image topic; camera_info is beside it"),
    "depth": ("/camera/depth/image_raw", "depth images, registered to the image"),
    "pose_target": ("me", "id of the object that is followed"),
    "target_pose": ("/goal_update", "where its pose goes; nav2's GoalUpdater listens to goal_update"),
    "weights": ("s2iammask", "weights of the tracker"),
}


def generate_launch_description() -> LaunchDescription:
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=meaning)
        for name, (default, meaning) in ARGUMENTS.items()
    ]
    tracker = PathJoinSubstitution([FindPackageShare("s2iammask"), "launch", "tracker.launch.py"])
    given = {"publish_tf": "true", **{name: LaunchConfiguration(name) for name in ARGUMENTS}}
    included = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(tracker), launch_arguments=given.items()
    )
    return LaunchDescription([*arguments, included])
