"""`python -m s2iammask_ros.replay` is `ros2 run s2iammask replay`, where that is not on the path."""

import sys

from s2iammask_ros.tools.replay import main

if __name__ == "__main__":
    sys.exit(main())
