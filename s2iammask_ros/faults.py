"""How the node goes on when a frame or the device fails."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from s2iammask_core.geometry import HostFrame
from s2iammask_ros.camera import Camera
from s2iammask_ros.device import free_memory, is_device_failure, is_lost, keep_for_good
from s2iammask_ros.engine import Engine


class Faults:
    """Decides by the setting device_failure; everything else is logged, and the next frame is tried."""

    def __init__(self, engine: Engine, cameras: Mapping[str, Camera], say: Callable[[str], None]) -> None:
        self._engine, self._cameras, self._say = engine, cameras, say
        self.device_error = ""  # the last failure of the device, for diagnostics
        self._lost = False  # whether the device answers nothing any more
        self.joins = True  # whether the device can take the images of several cameras at once

    def survive(self, error: Exception, camera: Camera, frame: HostFrame, policy: str) -> None:
        """Called on the working thread with what went wrong on a frame."""
        if self._is_device_failure(error):
            self._say(f"the device failed ({self.device_error}); device_failure is {policy!r}")
            self._go_on(camera, frame, policy)

    def survive_together(self, error: Exception) -> None:
        """The same for the images of several cameras at once; each is tried alone then."""
        if self._is_device_failure(error):
            self.joins = False
            self._say(
                f"the device failed ({self.device_error}); the cameras are tracked one after another now"
            )

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Logs what goes wrong outside of tracking, such as a publisher that is gone."""
        try:
            yield
        except Exception as error:
            self._say("".join(traceback.format_exception(error)))

    def _is_device_failure(self, error: Exception) -> bool:
        """Whether it is; then it is kept for diagnostics and memory is freed. Everything else is logged."""
        if not is_device_failure(error):
            self._say("".join(traceback.format_exception(error)))
            return False
        self.device_error = f"{type(error).__name__}: {error}"
        self._lost = is_lost(self._engine.device)
        if not self._lost:
            traceback.clear_frames(error.__traceback__)  # they hold what the step had on the device
            free_memory()
        return True

    def _go_on(self, camera: Camera, frame: HostFrame, policy: str) -> None:
        """Fewer targets do not help where the device is lost."""
        if policy == "fewer" and not self._lost:
            camera.targets.drop_half()
        elif policy in ("fewer", "cpu"):
            self._move_to_cpu(camera, frame)

    def _move_to_cpu(self, camera: Camera, frame: HostFrame) -> None:
        former = [self._engine.tracker(), *(each.targets.tracker for each in self._cameras.values())]
        if not self._engine.fall_back():
            return
        for each in self._cameras.values():
            with self.logged():
                each.move(self._engine.tracker(), frame if each is camera else None)
        if self._lost:
            keep_for_good(former)
        del former
        free_memory()
