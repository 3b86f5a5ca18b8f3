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
FROM_FILE = "not given: as in params_file"
ARGUMENTS = {
    "image": ("/camera/image_raw", "image topic; with image_transport compressed, without its /compressed"),
    "image_transport": ("", f"raw or compressed; {FROM_FILE}"),
    "hints": ("hints", "topic of a detector's boxes, heard if the parameter hints is true"),
    "weights": ("", f"weights file, exported folder, or a name of the package; {FROM_FILE}"),
    "device": ("", f"auto, cpu, cuda or cuda:N; {FROM_FILE}"),
    "params_file": (PathJoinSubstitution([CONFIG, "tracker.yaml"]), "parameters of the tracker"),
    "namespace": ("", "namespace of the tracker"),
    "use_sim_time": ("", f"true: take the time from /clock, as for a bag played with --clock; {FROM_FILE}"),
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
    functions = [OpaqueFunction(function=each) for each in (set_transports, tracker, rviz)]
    return LaunchDescription([*arguments, *functions])


def set_transports(context: LaunchContext) -> list[SetEnvironmentVariable]:
    profile = LaunchConfiguration("fastdds_profile").perform(context)
    left_alone = profile in ("", "none") or PROFILES in context.environment
    return [] if left_alone else [SetEnvironmentVariable(PROFILES, profile)]


PARAMETERS = {"weights": str, "device": str, "image_transport": str, "use_sim_time": bool}


def given(context: LaunchContext, *names: str) -> list[dict[str, ParameterValue]]:
    """Parameters from the arguments that are given; the others leave the parameter file's values alone."""
    named = [name for name in names if LaunchConfiguration(name).perform(context)]
    values = {name: ParameterValue(LaunchConfiguration(name), value_type=PARAMETERS[name]) for name in named}
    return [values] if values else []


def tracker(context: LaunchContext) -> list[LifecycleNode]:
    node = LifecycleNode(
        package="s2iammask",
        executable="tracker_node",
        name="tracker",
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file"), *given(context, *PARAMETERS)],
        remappings=[(name, LaunchConfiguration(name)) for name in ("image", "hints")],
        output="screen",
    )
    return [node]


def rviz(context: LaunchContext) -> list[Node]:
    node = Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", LaunchConfiguration("rviz_config")],
        parameters=given(context, "use_sim_time"),
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return [node]
