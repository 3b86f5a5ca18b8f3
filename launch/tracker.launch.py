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
    "page": (
        "false",
        "whether to serve the page to track on; images are then kept for 10 s, to draw boxes on",
    ),
    "page_host": ("127.0.0.1", "address of the page; any but this machine's own needs the token it prints"),
    "page_port": ("8765", "port of the page"),
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
    functions = [OpaqueFunction(function=each) for each in (set_transports, tracker, rviz, page)]
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
        parameters=[LaunchConfiguration("params_file"), *given(context, *PARAMETERS), *kept(context)],
        remappings=[(name, LaunchConfiguration(name)) for name in ("image", "hints")],
        output="screen",
    )
    return [node]


def kept(context: LaunchContext) -> list[dict[str, float]]:
    """People take longer to draw a box than a program does."""
    return [{"history_seconds": 10.0}] if IfCondition(LaunchConfiguration("page")).evaluate(context) else []


def page(context: LaunchContext) -> list[Node]:
    port = ParameterValue(LaunchConfiguration("page_port"), value_type=int)
    node = Node(
        package="s2iammask",
        executable="page",
        name="page",
        namespace=LaunchConfiguration("namespace"),
        parameters=[{"host": ParameterValue(LaunchConfiguration("page_host"), value_type=str), "port": port}],
        remappings=[("image", LaunchConfiguration("image"))],
        output="screen",
        condition=IfCondition(LaunchConfiguration("page")),
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
