"""What results are made from, in a few letters: equal ones mean that nothing has changed."""

import hashlib
from pathlib import Path

ENDS = 1 << 20  # bytes of the beginning and of the end of a large file that are looked at


class Digest:
    """Adds up texts, numbers and files, in their order."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def add(self, *parts: object) -> None:
        """Values whose text says all of them, or bytes."""
        for part in parts:
            content = part if isinstance(part, bytes) else str(part).encode()
            self._sum.update(len(content).to_bytes(8, "little") + content)

    def name_and_size(self, path: Path) -> None:
        """Of a file that is too large to be read for this; what is not there has no size."""
        try:
            self.add(path.name, path.stat().st_size)
        except OSError:
            self.add(path.name, "missing")

    def content(self, path: Path) -> None:
        """The same, and what the file begins and ends with."""
        self.name_and_size(path)
        try:
            with path.open("rb") as file:
                self.add(file.read(ENDS))
                file.seek(max(path.stat().st_size - ENDS, 0))
                self.add(file.read(ENDS))
        except OSError:
            self.add("unreadable")

    @property
    def text(self) -> str:
        """In hexadecimal."""
        return self._sum.hexdigest()[:32]
