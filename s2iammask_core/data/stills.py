"""Pictures with object masks: a folder with index.json, images/<name>.* and masks/<name>.png."""

import json
from pathlib import Path

from s2iammask_core.boxes import Box
from s2iammask_core.data.annotations import Annotation, Video, VideoSet
from s2iammask_core.data.mask_sources import LabelMask
from s2iammask_core.errors import DatasetError

SMALLEST_AREA = 400  # square pixels; what is smaller shows too little to learn from


def read_stills(root: Path | str, *, num_use: int | None = None) -> VideoSet:
    """Each picture as a video of one frame, with all its objects of at least 400 square pixels as tracks."""
    root = Path(root)
    try:
        index = json.loads((root / "index.json").read_text())
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {root / 'index.json'}: {error}") from error
    files = {path.stem: path for path in sorted((root / "images").glob("*.*"))}
    videos = []
    for name, entry in index.items():
        if name not in files:
            raise DatasetError(f"{root / 'images'} has no picture {name}, which index.json names")
        mask = root / "masks" / f"{name}.png"
        tracks = {
            int(value): {0: Annotation(Box(*map(float, each["box"])), LabelMask(mask, int(value)))}
            for value, each in entry["objects"].items()
            if each["area"] >= SMALLEST_AREA
        }
        if tracks:
            videos.append(Video(name, (files[name],), tracks))
    return VideoSet("stills", videos, 1, num_use, has_masks=True)
