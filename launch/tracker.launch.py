"""Starts the tracker, with RViz if asked: ros2 launch s2iammask tracker.launch.py rviz:=true."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

PROFILES = "FASTRTPS_DEFAULT_PROFILES_FILE"
CONFIG = PathJoinSubstitution([FindPackageShare("s2iammask"), "config"])
ARGUMENTS = {
    "image": ("/camera/image_raw", "image topic; with image_transport compressed, without its /compressed"),
    "image_transport": ("raw", "raw or compressed"),
    "hints": ("hints", "topic of a detector's boxes, heard if the parameter hints is true"),
    "weights": ("", "weights file or exported folder; none given: the file that comes with the package"),
    "device": ("auto", "auto, cpu, cuda or cuda:N"),
    "params_file": (PathJoinSubstitution([CONFIG, "tracker.yaml"]), "parameters of the tracker"),
    "namespace": ("", "namespace of the tracker"),
    "use_sim_time": ("false", "take the time from /clock, as for a bag played with --clock"),
    "rviz": ("false", "whether to open RViz"),
    "rviz_config": (PathJoinSubstitution([CONFIG, "tracker.rviz"]), "what RViz shows"),
    "fastdds_profile": (
        PathJoinSubstitution([CONFIG, "fastdds.xml"]),
        f"transports of Fast DDS, made for large images; none, or {PROFILES} in the environment: left alone",
    ),
}


def generate_launch_description() -> LaunchDescription:
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=meaning)
        for name, (default, meaning) in ARGUMENTS.items()
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=set_transports), tracker(), rviz()])


def set_transports(context: LaunchContext) -> list[SetEnvironmentVariable]:
    profile = LaunchConfiguration("fastdds_profile").perform(context)
    left_alone = profile in ("", "none") or PROFILES in context.environment
    return [] if left_alone else [SetEnvironmentVariable(PROFILES, profile)]


def tracker() -> LifecycleNode:
    text = {name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in TEXTS}
    sim_time = ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)
    return LifecycleNode(
        package="s2iammask",
        executable="tracker_node",
        name="tracker",
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file"), text | {"use_sim_time": sim_time}],
        remappings=[(name, LaunchConfiguration(name)) for name in ("image", "hints")],
        output="screen",
    )


TEXTS = ("weights", "device", "image_transport")  # arguments that are parameters of the same name


def rviz() -> Node:
    return Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", LaunchConfiguration("rviz_config")],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
