"""YouTube-VOS, its train split."""

from pathlib import Path

from s2iammask_core.data.annotations import VideoSet
from s2iammask_core.data.readers.labels import LabelFolders, LabelReader, labelled_videos
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.names import existing_folder

FRAME_RANGE = 20
NUM_USE = 200_000
MIN_AREA = 1000  # pixels; smaller objects are left out


def read_youtube_vos(root: Path, split: str = "train", min_area: int = MIN_AREA) -> VideoSet:
    """From root/SPLIT with JPEGImages/ID, Annotations/ID and meta.json, in whose order the videos come."""
    folder = existing_folder(existing_folder(root) / split)
    meta = folder / "meta.json"
    listed = read_object(meta).get("videos")
    if not isinstance(listed, dict):
        raise DatasetError(f'{meta} must hold an object "videos"')
    folders = LabelFolders(folder / "JPEGImages", folder / "Annotations")
    names = [(f"{split}/{id_}", id_) for id_ in listed]
    videos = labelled_videos(folders, names, LabelReader(single=False, min_area=min_area))
    return VideoSet(f"youtube-vos-{split}", videos, FRAME_RANGE, NUM_USE, has_masks=True)
