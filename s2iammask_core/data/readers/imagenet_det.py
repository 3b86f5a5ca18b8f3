"""ImageNet-DET: boxes in still pictures, without masks."""

from pathlib import Path

from s2iammask_core.data.annotations import VideoSet
from s2iammask_core.data.readers.imagenet import XmlReader, name_in_set, xml_files
from s2iammask_core.data.readers.scan import boxes_in
from s2iammask_core.data.readers.table import FrameTable, VideoTable
from s2iammask_core.files.names import existing_folder

FRAME_RANGE = 1
NUM_USE = 100_000


def read_imagenet_det(root: Path, split: str = "train") -> VideoSet:
    """From a root with Annotations/DET/SPLIT and Data/DET/SPLIT; a picture is a video of one frame."""
    annotations = root / "Annotations" / "DET" / split
    pictures = existing_folder(existing_folder(root) / "Data" / "DET" / split)
    by_folder = xml_files(annotations)
    found = [(Path(folder) / stem).as_posix() for folder, stems in by_folder.items() for stem in stems]
    names = [(name_in_set(path, split), "") for path in found]
    table = FrameTable.of(pictures, names, [[path] for path in found], ".JPEG")
    files = [f"{annotations}/{path}.xml" for path in found]
    videos = VideoTable(table, boxes_in(files, table.offsets, XmlReader()))
    return VideoSet(f"imagenet-det-{split}", videos, FRAME_RANGE, NUM_USE, has_masks=False)
