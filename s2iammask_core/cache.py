"""Where things are kept that can be made again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/s2iammask, by default ~/.cache/s2iammask; it may be missing."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s2iammask"
