# For bash: puts this checkout's Python, ROS 2 and messages into the environment, after `make setup`.
#     . ros_env/activate.bash
# Python packages come from the checkout itself, the messages from install/. With a ROS 2 installation sourced before, that one
# is used, with folders of its own; otherwise the wheels in .venv are the ROS 2 installation.

_s2iammask_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ -n "${ROS_DISTRO:-}" ] && [ -n "${AMENT_PREFIX_PATH:-}" ]; then
    _s2iammask_suffix=-$ROS_DISTRO
else
    _s2iammask_suffix=
    unset ROS_DISTRO  # of an installation that is there, but not sourced
    export AMENT_PREFIX_PATH=$_s2iammask_root/.venv CMAKE_PREFIX_PATH=$_s2iammask_root/.venv
fi
export PATH=$_s2iammask_root/.venv$_s2iammask_suffix/bin:$PATH
if [ -f "$_s2iammask_root/install$_s2iammask_suffix/local_setup.bash" ]; then
    . "$_s2iammask_root/install$_s2iammask_suffix/local_setup.bash"
fi
export PYTHONPATH=$_s2iammask_root${PYTHONPATH:+:$PYTHONPATH}
unset _s2iammask_root _s2iammask_suffix
