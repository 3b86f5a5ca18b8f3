"""What a folder of crops was made of, so that those of other settings, annotations or pictures do not mix."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2iammask_core.data.annotations import VideoSet
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.digests import Digest
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.outputs import write_text

RECORD = "prepare.json"
INSTEAD = "choose another destination, or remove it"


def keep_settings(destination: Path, settings: Mapping[str, Any], sets: Mapping[str, VideoSet]) -> None:
    """Notes them; DatasetError where crops of others lie, which would count as done."""
    digests = {split: annotations_digest(videos) for split, videos in sets.items()}
    path = destination / RECORD
    before = read_object(path) if path.exists() else {**settings, "annotations": {}}
    made = before.get("annotations")
    known, pictures = (each if isinstance(each, dict) else {} for each in (made, before.get("pictures")))
    rest = {name: value for name, value in before.items() if name not in ("annotations", "pictures")}
    if rest != settings:
        raise DatasetError(
            f"{destination} holds crops made with other settings ({path}: {rest}, now: {settings}); {INSTEAD}"
        )
    changed = [split for split, digest in digests.items() if known.get(split, digest) != digest]
    changed += [
        split for split in sets if split in pictures and pictures[split] != pictures_digest(sets[split])
    ]
    if changed or made is None:
        which = f"of {changed[0]}" if changed else "that nobody noted"
        raise DatasetError(
            f"{destination} holds crops made from other pictures or annotations {which}; {INSTEAD}"
        )
    noted = {**settings, "annotations": {**known, **digests}, "pictures": pictures}
    write_text(path, json.dumps(noted, indent=2))


def note_pictures(destination: Path, split: str, videos: VideoSet) -> None:
    """Of a split that is complete: until then, a picture that is cut may be replaced and the work go on."""
    path = destination / RECORD
    noted = read_object(path)
    noted["pictures"][split] = pictures_digest(videos)
    write_text(path, json.dumps(noted, indent=2))


def pictures_digest(videos: VideoSet) -> str:
    """Changes with the frames' names and sizes."""
    digest = Digest()
    for video in videos.videos:
        for path in video.frames:
            digest.name_and_size(path)
    return digest.text


def annotations_digest(videos: VideoSet) -> str:
    """Changes with the frames' names, the boxes and the masks of a split."""
    digest = Digest()
    for video in videos.videos:
        digest.add(video.name)
        digest.add(*(path.name for path in video.frames))
        for track, annotations in video.tracks.items():
            for frame, annotation in annotations.items():
                digest.add(track, frame, annotation.box.xywh)
                if annotation.mask is not None:
                    annotation.mask.trace(digest)
    return digest.text
