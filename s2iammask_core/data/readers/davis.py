"""DAVIS 2016 (one object a video) and 2017 (several)."""

from pathlib import Path

from s2iammask_core.data.annotations import VideoSet
from s2iammask_core.data.readers.labels import LabelFolders, LabelReader, labelled_videos
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.davis import RESOLUTION, listed_sequences
from s2iammask_core.files.names import existing_folder, folder_names

FRAME_RANGE = 20  # as for YouTube-VOS; the method does not train on DAVIS
STEP_RANGE = 3


def read_davis(root: Path, split: str = "train", year: int = 2016) -> VideoSet:
    """From a root with JPEGImages/480p, Annotations/480p and ImageSets/YEAR/SPLIT.txt (2016: 480p/SPLIT.txt).

    The split "all" is every folder of Annotations, and needs no list. In 2016 all that is labelled in a frame
    is one object, with id 1; in 2017 the labels are object ids.
    """
    if year not in (2016, 2017):
        raise DatasetError(f"DAVIS has the years 2016 and 2017, not {year}")
    existing_folder(root)
    folders = LabelFolders(root / "JPEGImages" / RESOLUTION, root / "Annotations" / RESOLUTION)
    names = folder_names(folders.labels) if split == "all" else listed_sequences(root, str(year), split)
    videos = labelled_videos(folders, [(name, name) for name in names], LabelReader(year == 2016, min_area=0))
    return VideoSet(f"davis{year}-{split}", videos, FRAME_RANGE, None, has_masks=True, step_range=STEP_RANGE)
