"""What the page needs to know; each is a ROS parameter of the same name."""

from dataclasses import dataclass

from s2iammask_core.config import Checked, setting


@dataclass(frozen=True)
class PageConfig(Checked):
    """Which node is shown, and where the page is served."""

    tracker: str = setting("tracker", "name of the tracker node, in the page's namespace or absolute")
    host: str = setting(
        "127.0.0.1", "address to serve on; any but this machine's own needs the printed token"
    )
    port: int = setting(8765, "port to serve on; 0: any free one", 0, 65535)
    rate: float = setting(15.0, "most pictures a second that a browser gets", 0.5, 60.0)
