"""COCO's json: boxes and masks in pictures of a folder, or in frames of a video."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from s2iammask_core.batch.jobs import Row, Start
from s2iammask_core.batch.reading.pictures import Numbers
from s2iammask_core.batch.reading.tables import placed
from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError


def knows(content: Any) -> bool:
    return isinstance(content, dict) and {"images", "annotations"} <= content.keys()


def rows(path: Path, content: Any) -> Iterator[Row]:
    """A picture is of a video (`video_id`, `frame_id`) if `videos` names its file, else of its folder."""
    videos = {video["id"]: video for video in content.get("videos", [])}
    images = {image["id"]: image for image in content["images"]}
    names = {each["id"]: str(each["name"]) for each in content.get("categories", [])}
    numbers = Numbers(path.parent)
    for each in content["annotations"]:
        if each["image_id"] not in images:
            raise DatasetError(
                f"annotation {each.get('id')} is of image {each['image_id']}, which is not there"
            )
        image = images[each["image_id"]]
        source, frame = _place(image, videos, numbers, path.parent)
        label = names.get(each.get("category_id"), "")
        yield Row(source, _start(each, image, frame, label), name=_name(image, videos))


def _place(
    image: Mapping[str, Any], videos: Mapping[Any, Any], numbers: Numbers, folder: Path
) -> tuple[str, int]:
    video = videos.get(image.get("video_id"), {})
    if "file_name" in video:
        return placed(str(video["file_name"]), folder), int(
            image.get("frame_id", image.get("frame_index", 0))
        )
    return numbers.place(str(image["file_name"]))


def _name(image: Mapping[str, Any], videos: Mapping[Any, Any]) -> str:
    return str(videos.get(image.get("video_id"), {}).get("name", ""))


def _start(each: Mapping[str, Any], image: Mapping[str, Any], frame: int, label: str) -> Start:
    id_ = int(each.get("track_id", each.get("instance_id", 0)))
    segmentation = each.get("segmentation")
    if isinstance(segmentation, dict):
        size = [int(image["height"]), int(image["width"])] if "height" in image else segmentation["size"]
        if list(segmentation["size"]) != size:
            raise DatasetError(
                f"the mask of annotation {each.get('id')} is of {segmentation['size']}, its picture of {size}"
            )
        return Start(frame, id_, label, mask=json.dumps(segmentation))
    return Start(frame, id_, label, Box.from_xywh(*(float(value) for value in each["bbox"])))
