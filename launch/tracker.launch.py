"""Starts the tracker, with RViz if asked: ros2 launch s2iammask tracker.launch.py rviz:=true."""

from collections.abc import Callable

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
CAMERA = "{camera}"
ONE_IMAGE, EACH_IMAGE = "/camera/image_raw", f"/{CAMERA}/image_raw"
SWITCHES = ("depth", "hints")  # arguments that name a topic, or say true or false for the parameter alone
ARGUMENTS = {
    "image": (
        "",
        f"image topic; with image_transport compressed, without its /compressed; not given: {ONE_IMAGE}, or "
        f"{EACH_IMAGE} with cameras, where {CAMERA} stands for the name of each",
    ),
    "image_transport": ("", f"raw or compressed; {FROM_FILE}"),
    "cameras": ("", f"names of several cameras, as front,rear; {FROM_FILE}"),
    "depth": (
        "",
        f"topic of depth images registered to the image, which turns depth on; or true, false; {FROM_FILE}",
    ),
    "camera_info": ("", "topic of the camera's parameters; not given: camera_info beside the image"),
    "hints": ("", f"topic of a detector's boxes, which turns hints on; or true, false; {FROM_FILE}"),
    "publish_tf": ("", f"true: a frame for each target, with depth; {FROM_FILE}"),
    "pose_target": ("", f"id of the target that ~/target_pose is about; {FROM_FILE}"),
    "target_pose": ("", "topic for ~/target_pose, such as /goal_update for nav2's following"),
    "weights": ("", f"weights file, exported folder, or a name of the package; {FROM_FILE}"),
    "device": ("", f"auto, cpu, cuda or cuda:N; {FROM_FILE}"),
    "autostart": ("", f"false: leave the node unconfigured; {FROM_FILE}"),
    "params_file": (PathJoinSubstitution([CONFIG, "tracker.yaml"]), "parameters of the tracker"),
    "namespace": ("", "namespace of the tracker"),
    "use_sim_time": ("", f"true: take the time from /clock, as for a bag played with --clock; {FROM_FILE}"),
    "log_level": ("info", "of the tracker alone: debug tells of each image"),
    "rviz": ("false", "whether to open RViz"),
    "rviz_config": (PathJoinSubstitution([CONFIG, "tracker.rviz"]), "what RViz shows"),
    "page": (
        "false",
        "whether to serve the page to track on; images are then kept for 10 s, to draw boxes on",
    ),
    "page_host": ("127.0.0.1", "address of the page; any but this machine's own needs the token it prints"),
    "page_port": ("8765", "port of the page"),
    "page_rate": (
        "",
        "most pictures a second that a browser gets: fewer cost less; not given: its own default",
    ),
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


PARAMETERS = {
    "weights": str,
    "device": str,
    "image_transport": str,
    "pose_target": str,
    "publish_tf": bool,
    "autostart": bool,
    "use_sim_time": bool,
}

OF_THE_PAGE = {"host": str, "port": int, "rate": float}  # its arguments page_host and so on


def given(context: LaunchContext, *names: str) -> list[dict[str, ParameterValue]]:
    """Parameters from the arguments that are given; the others leave the parameter file's values alone."""
    named = [name for name in names if LaunchConfiguration(name).perform(context)]
    values = {name: ParameterValue(LaunchConfiguration(name), value_type=PARAMETERS[name]) for name in named}
    return [values] if values else []


def switched(text: Callable[[str], str]) -> dict[str, bool]:
    """The parameters depth and hints, where their arguments say something about them."""
    return {name: text(name) != "false" for name in SWITCHES if text(name)}


def topics_of(camera: str, text: Callable[[str], str]) -> list[tuple[str, str]]:
    """What the names of a camera's topics are remapped to; the empty name: the only camera."""
    prefix = f"{camera}/" if camera else ""
    image = text("image") or (EACH_IMAGE if camera else ONE_IMAGE)
    named = {
        "image": image,
        "camera_info": text("camera_info") or f"{image.rpartition('/')[0]}/camera_info",
        **{name: text(name) for name in SWITCHES if text(name) not in ("", "true", "false")},
    }
    wrong = [f"{name}:={topic}" for name, topic in named.items() if camera and CAMERA not in topic]
    if wrong:
        raise ValueError(f"with cameras, {wrong[0]} must have {CAMERA} where their names differ")
    found = [(f"{prefix}{name}", topic.replace(CAMERA, camera)) for name, topic in named.items()]
    if text("target_pose"):
        found.append((f"~/{prefix}target_pose", text("target_pose").replace(CAMERA, camera)))
    return found


def tracker(context: LaunchContext) -> list[LifecycleNode]:
    def text(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    cameras = [name.strip() for name in text("cameras").split(",") if name.strip()]
    own = [values for values in (switched(text), {"cameras": cameras} if cameras else {}) if values]
    node = LifecycleNode(
        package="s2iammask",
        executable="tracker_node",
        name="tracker",
        namespace=LaunchConfiguration("namespace"),
        parameters=[
            LaunchConfiguration("params_file"),
            *own,
            *given(context, *PARAMETERS),
            *kept(context),
        ],
        remappings=[rule for camera in cameras or [""] for rule in topics_of(camera, text)],
        ros_arguments=["--log-level", f"tracker:={text('log_level')}"],
        output="screen",
    )
    return [node]


def kept(context: LaunchContext) -> list[dict[str, float]]:
    """People take longer to draw a box than a program does."""
    return [{"history_seconds": 10.0}] if IfCondition(LaunchConfiguration("page")).evaluate(context) else []


def page(context: LaunchContext) -> list[Node]:
    named = {name: LaunchConfiguration(f"page_{name}") for name in OF_THE_PAGE}
    values = {
        name: ParameterValue(value, value_type=OF_THE_PAGE[name])
        for name, value in named.items()
        if value.perform(context)
    }
    node = Node(
        package="s2iammask",
        executable="page",
        name="page",
        namespace=LaunchConfiguration("namespace"),
        parameters=[values],
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
