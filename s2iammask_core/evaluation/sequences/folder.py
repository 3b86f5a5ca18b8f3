"""Any folder of frames or video file with a box file: x y width height in one line, or for each frame."""

from pathlib import Path

from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.sequences.frames import Frames, VideoFile, images_in
from s2iammask_core.evaluation.sequences.otb import BoxSequence
from s2iammask_core.evaluation.sequences.regions import check_start, read_boxes


def read_folder(frames_path: Path, boxes_path: Path) -> BoxSequence:
    """The sequence; its boxes count pixels from 0."""
    frames: Frames = images_in(frames_path) if frames_path.is_dir() else VideoFile(frames_path)
    boxes = read_boxes(boxes_path)
    check_start(boxes, boxes_path)
    if len(boxes) not in (1, len(frames)):
        raise DatasetError(f"{boxes_path}: {len(boxes)} boxes for {len(frames)} frames; give 1 or all")
    return BoxSequence(frames_path.stem, frames, boxes, first_pixel=0)
