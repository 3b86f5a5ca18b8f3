"""COCO's json: boxes and masks in pictures of a folder, or in frames of a video."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from s2iammask_core.batch.jobs import Row, Start
from s2iammask_core.batch.reading import values
from s2iammask_core.batch.reading.pictures import Numbers
from s2iammask_core.batch.reading.tables import placed
from s2iammask_core.errors import DatasetError
from s2iammask_core.files.segmentations import checked_outlines, checked_runs


def knows(content: Any) -> bool:
    return isinstance(content, dict) and {"images", "annotations"} <= content.keys()


def rows(path: Path, content: Any) -> Iterator[Row]:
    """A picture is of a video (`video_id`, `frame_id`) if `videos` names its file, else of its folder."""
    videos = {video["id"]: video for video in content.get("videos", [])}
    images = {image["id"]: image for image in content["images"]}
    if len(images) != len(content["images"]):
        raise DatasetError("two of its images have the same id")
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
        try:
            start = _start(each, image, frame, label)
        except (DatasetError, ValueError, TypeError, KeyError, OverflowError) as error:
            picture = image.get("file_name", image["id"])
            raise DatasetError(f"picture {picture}, annotation {each.get('id')}: {error}") from error
        yield Row(source, start, name=_name(image, videos))


def _place(
    image: Mapping[str, Any], videos: Mapping[Any, Any], numbers: Numbers, folder: Path
) -> tuple[str, int]:
    video = videos.get(image.get("video_id"), {})
    if "file_name" in video:
        frame = values.whole("frame_id", image.get("frame_id", image.get("frame_index", 0)))
        return placed(values.text("file_name", video["file_name"]), folder), frame
    return numbers.place(values.text("file_name", image["file_name"]), _size(image))


def _size(image: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height, if they are said."""
    if not image.keys() >= {"width", "height"}:
        return None
    return values.whole("width", image["width"]), values.whole("height", image["height"])


def _name(image: Mapping[str, Any], videos: Mapping[Any, Any]) -> str:
    return str(videos.get(image.get("video_id"), {}).get("name", ""))


def _start(each: Mapping[str, Any], image: Mapping[str, Any], frame: int, label: str) -> Start:
    """From the mask, if it has run lengths, else from the box; ValueError for what cannot be right."""
    id_ = values.whole("track_id", each.get("track_id", each.get("instance_id", 0)))
    segmentation = each.get("segmentation")
    if isinstance(segmentation, dict):
        width, height = _size(image) or reversed(segmentation["size"])
        checked_runs(segmentation, (height, width))
        return Start(frame, id_, label, mask=json.dumps(segmentation))
    box = values.box(each["bbox"])
    checked_outlines(segmentation or (), box)
    return Start(frame, id_, label, box)
