"""How the node goes on when a frame or the device fails."""

import traceback
from collections.abc import Callable, Mapping

from s2iammask_core.geometry import HostFrame
from s2iammask_ros.camera import Camera
from s2iammask_ros.engine import Engine, free_memory, is_device_failure


class Faults:
    """Decides by the setting device_failure; everything else is logged, and the next frame is tried."""

    def __init__(self, engine: Engine, cameras: Mapping[str, Camera], say: Callable[[str], None]) -> None:
        self._engine, self._cameras, self._say = engine, cameras, say
        self.device_error = ""  # the last failure of the device, for diagnostics

    def survive(self, error: Exception, camera: Camera, frame: HostFrame, policy: str) -> None:
        """Called on the working thread with what went wrong on a frame."""
        if not is_device_failure(error):
            self._say("".join(traceback.format_exception(error)))
            return
        self.device_error = f"{type(error).__name__}: {error}"
        self._say(f"the device failed ({self.device_error}); device_failure is {policy!r}")
        free_memory()
        if policy == "fewer":
            camera.drop_half()
        elif policy == "cpu":
            self._move_to_cpu(camera, frame)

    def _move_to_cpu(self, camera: Camera, frame: HostFrame) -> None:
        if not self._engine.fall_back():
            return
        for each in self._cameras.values():
            each.move(self._engine.tracker(), frame if each is camera else None)
        free_memory()
