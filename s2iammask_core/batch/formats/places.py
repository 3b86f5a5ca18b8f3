"""Where everything lies in the output folder."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The output folder."""

    out: Path

    @property
    def tracks(self) -> Path:
        return self.out / "tracks"

    @property
    def coco(self) -> Path:
        return self.out / "coco.json"

    @property
    def boxes(self) -> Path:
        return self.out / "boxes.csv"

    @property
    def meta(self) -> Path:
        return self.out / "davis" / "meta.json"

    @property
    def review(self) -> Path:
        return self.out / "review.csv"

    @property
    def page(self) -> Path:
        return self.out / "review.html"

    def masks(self, name: str) -> Path:
        return self.out / "davis" / "Annotations" / name

    def images(self, name: str) -> Path:
        return self.out / "images" / name

    def mots(self, name: str) -> Path:
        return self.out / "mots" / f"{name}.txt"

    def bag(self, name: str) -> Path:
        return self.out / "bags" / name

    def moments(self, name: str) -> Path:
        """Pictures of a recording's worst moments."""
        return self.out / "review" / name

    def of(self, name: str) -> tuple[Path, ...]:
        """All that may be written for a recording."""
        return self.masks(name), self.images(name), self.mots(name), self.bag(name), self.moments(name)

    def prune(self, keep: Callable[[str], bool]) -> None:
        """Takes away what belongs to recordings that are not there any more, or failed."""
        for folder in {path.parent for path in self.of("_")}:
            for entry in folder.iterdir() if folder.is_dir() else ():
                if entry.is_dir() and not keep(entry.name):
                    shutil.rmtree(entry)
                elif entry.is_file() and not keep(entry.stem):
                    entry.unlink()
