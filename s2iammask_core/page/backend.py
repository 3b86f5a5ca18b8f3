"""What stands behind the page: a ROS node that is asked, or a tracker of this process."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from s2iammask_core.page.hub import Hub
from s2iammask_core.page.protocol import VERSION, Answer, Ask


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a page has to know before it shows anything."""

    mode: str  # live: a stream of pictures; clip: one can move in it
    title: str
    cameras: Sequence[str]  # their names; one camera without a name has an empty one
    click_size: float  # pixels: side of the box around a click
    frame_rate: float = 0.0  # of a clip
    keeps: float = 0.0  # seconds for which a start in a shown picture is possible; 0: always

    def record(self) -> dict[str, Any]:
        """What the page is told."""
        return {"version": VERSION, **asdict(self)}


class Backend(Protocol):
    """Shows pictures and says how it is doing through a hub, and does what viewers ask for."""

    @property
    def greeting(self) -> Greeting: ...

    async def open(self, hub: Hub) -> None:
        """Begins; from now on the hub is kept up to date."""
        ...

    async def close(self) -> None: ...

    async def ask(self, wish: Ask) -> Answer:
        """Does what is asked for; a S2iamMaskError says why it cannot be done."""
        ...

    def watch(self, cameras: frozenset[str]) -> None:
        """Somebody looks at these cameras, and at no others."""
        ...

    def file(self, name: str) -> Path | None:
        """What was made for downloading under that name."""
        ...
