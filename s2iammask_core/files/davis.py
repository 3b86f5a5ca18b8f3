"""The lists of sequences in DAVIS's layout."""

from pathlib import Path

from s2iammask_core.files.texts import read_names

RESOLUTION = "480p"


def listed_sequences(root: Path, year: str, split: str) -> tuple[str, ...]:
    """The names in ImageSets/YEAR/SPLIT.txt, or of 2016 as it was released in ImageSets/480p/SPLIT.txt.

    There each line has the paths of a frame and of its annotation.
    """
    lists = root / "ImageSets"
    named, released = lists / year / f"{split}.txt", lists / RESOLUTION / f"{split}.txt"
    if named.is_file() or not (year == "2016" and released.is_file()):
        return read_names(named)
    frames = [Path(line.split()[0]) for line in read_names(released)]
    return tuple(dict.fromkeys(frame.parent.name or frame.name for frame in frames))
