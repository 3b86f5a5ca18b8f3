"""ImageNet-VID: boxes of tracked objects, without masks."""

from pathlib import Path

from s2iammask_core.data.annotations import VideoSet
from s2iammask_core.data.readers.imagenet import XmlReader, name_in_set, xml_files
from s2iammask_core.data.readers.scan import boxes_in
from s2iammask_core.data.readers.table import FrameTable, VideoTable
from s2iammask_core.files.names import existing_folder

FRAME_RANGE = 100
NUM_USE = 200_000


def read_imagenet_vid(root: Path, split: str = "train") -> VideoSet:
    """From a root with Annotations/VID/SPLIT and Data/VID/SPLIT; a track keeps all of its frames."""
    annotations = root / "Annotations" / "VID" / split
    frames = existing_folder(existing_folder(root) / "Data" / "VID" / split)
    found = xml_files(annotations)
    for folder in found:
        existing_folder(frames / folder)
    names = [(name_in_set(folder, split), folder) for folder in found]
    table = FrameTable.of(frames, names, list(found.values()), ".JPEG")
    files = [f"{annotations}/{folder}/{stem}.xml" for folder, stems in found.items() for stem in stems]
    videos = VideoTable(table, boxes_in(files, table.offsets, XmlReader()))
    return VideoSet(f"imagenet-vid-{split}", videos, FRAME_RANGE, NUM_USE, has_masks=False)
