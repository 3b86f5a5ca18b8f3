"""Small data sets in their official layouts, drawn: a coloured rectangle on a smooth background is an object.

Boxes are x y width height in pixels. Pictures are PNG inside, so that colours are exact.
"""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

SIZE = (160, 120)  # width, height of all pictures
PALETTE = [(7 * value) % 256 for value in range(3 * 256)]  # colours that say nothing about ids
XML_OBJECT = (
    "<object>{track}<name>n02958343</name><bndbox><xmax>{xmax}</xmax><xmin>{xmin}</xmin>"
    "<ymax>{ymax}</ymax><ymin>{ymin}</ymin></bndbox></object>"
)


class Drawing:
    """Draws the files of data sets below a folder."""

    def __init__(self, root, scene, colours):
        self.root, self._scene, self._colours = root, scene, colours

    def picture(self, path, *boxes):
        """A frame with one rectangle for each box, in red, green, blue."""
        objects = [(*box, colour) for box, colour in zip(boxes, self._colours, strict=False)]
        frame = self._scene(*objects, width=SIZE[0], height=SIZE[1])
        self._place(path).write_bytes(cv2.imencode(".png", frame[..., ::-1])[1])

    def labels(self, path, boxes):
        """A palette picture whose indices are the keys of the boxes."""
        values = np.zeros(SIZE[::-1], np.uint8)
        for id_, (x, y, w, h) in boxes.items():
            values[y : y + h, x : x + w] = id_
        picture = Image.fromarray(values)
        picture.putpalette(PALETTE)
        picture.save(self._place(path))

    def frame(self, frames, labels, name, boxes):
        self.picture(f"{frames}/{name}.jpg", *boxes.values())
        self.labels(f"{labels}/{name}.png", boxes)

    def xml(self, path, boxes):
        """A Pascal-style annotation; boxes are (track id or None, box)."""
        objects = "".join(
            XML_OBJECT.format(
                track="" if track is None else f"<trackid>{track}</trackid>",
                xmin=x,
                ymin=y,
                xmax=x + w,
                ymax=y + h,
            )
            for track, (x, y, w, h) in boxes
        )
        self._place(path).write_text(f"<annotation><folder>f</folder>{objects}</annotation>")

    def text(self, path, content):
        self._place(path).write_text(content if isinstance(content, str) else json.dumps(content))

    def _place(self, path):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


@pytest.fixture(autouse=True)
def _no_shared_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def contents():
    """Reads all files of a folder, by their names below it."""

    def read(folder):
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return read


@pytest.fixture
def drawing(tmp_path, scene, colours):
    return Drawing(tmp_path / "set", scene, colours)


@pytest.fixture
def youtube_vos(drawing):
    """Two videos. In aa11, object 1 moves right by 5 a frame and object 3 shows in the first frame only."""
    for step, name in enumerate(["00000", "00005", "00010"]):
        boxes = {1: (20 + 5 * step, 30, 40, 30), **({3: (100, 60, 50, 50)} if step == 0 else {})}
        drawing.frame("train/JPEGImages/aa11", "train/Annotations/aa11", name, boxes)
    drawing.frame(
        "train/JPEGImages/bb22", "train/Annotations/bb22", "00000", {1: (10, 10, 60, 60), 2: (90, 10, 20, 20)}
    )
    objects = {"1": {"category": "car", "frames": ["00000"]}}
    drawing.text("train/meta.json", {"videos": {"bb22": {"objects": objects}, "aa11": {"objects": objects}}})
    return drawing.root


@pytest.fixture
def davis(drawing):
    """One sequence, boat, of two frames with objects 1 and 2, and one, dog, that is not in the train list."""
    for name in ("00000", "00001"):
        boxes = {1: (20, 30, 40, 30), 2: (80, 50, 20, 20)}
        drawing.frame("JPEGImages/480p/boat", "Annotations/480p/boat", name, boxes)
    drawing.frame("JPEGImages/480p/dog", "Annotations/480p/dog", "00000", {1: (20, 30, 40, 30)})
    drawing.text("ImageSets/2016/train.txt", "boat\n")
    drawing.text("ImageSets/2017/train.txt", "boat\n\n")
    return drawing.root


@pytest.fixture
def coco(drawing):
    """Picture 9 with a rectangle as polygon, a crowd and a square as run lengths; picture 7 with none."""
    width, height = SIZE
    square = [10 * height + 20] + [30, height - 30] * 29 + [30]  # x 10 to 40, y 20 to 50
    square.append(width * height - sum(square))
    polygon = [60.0, 40.0, 120.0, 40.0, 120.0, 80.0, 60.0, 80.0]
    size = [height, width]
    annotations = [
        {"image_id": 9, "bbox": [60, 40, 60, 40], "segmentation": [polygon], "iscrowd": 0},
        {
            "image_id": 9,
            "bbox": [0, 0, 160, 120],
            "segmentation": {"counts": [0, 19200], "size": size},
            "iscrowd": 1,
        },
        {
            "image_id": 9,
            "bbox": [10, 20, 30, 30],
            "segmentation": {"counts": square, "size": size},
            "iscrowd": 0,
        },
        {"image_id": 9, "bbox": [5, 5, 0, 30], "segmentation": [], "iscrowd": 0},
    ]
    images = [
        {"id": number, "file_name": f"{number:012d}.jpg", "height": height, "width": width}
        for number in (7, 9)
    ]
    for split in ("train2017", "val2017"):
        drawing.text(f"annotations/instances_{split}.json", {"images": images, "annotations": annotations})
        drawing.picture(f"{split}/000000000007.jpg")
        drawing.picture(f"{split}/000000000009.jpg", (60, 40, 60, 40), (10, 20, 30, 30))
    return drawing.root


@pytest.fixture
def vid(drawing):
    """A train snippet of six frames, object 0 gone in frames 2 and 3, and a val snippet of one frame."""
    snippet = "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00010001"
    for number in range(6):
        box = (20 + 4 * number, 40, 30, 20)
        boxes = [(4, (100, 60, 40, 40))] + ([] if number in (2, 3) else [(0, box)])
        drawing.xml(f"Annotations/VID/train/{snippet}/{number:06d}.xml", boxes)
        drawing.picture(f"Data/VID/train/{snippet}/{number:06d}.JPEG", *(box for _, box in boxes))
    drawing.xml("Annotations/VID/val/ILSVRC2015_val_00007000/000000.xml", [(0, (50, 40, 30, 20))])
    drawing.picture("Data/VID/val/ILSVRC2015_val_00007000/000000.JPEG", (50, 40, 30, 20))
    return drawing.root


@pytest.fixture
def det(drawing):
    """A picture with two objects in a class folder, and one without any."""
    drawing.xml(
        "Annotations/DET/train/ILSVRC2013_train/n01440764/n01440764_2.xml", [(None, (50, 40, 30, 20))] * 2
    )
    drawing.picture("Data/DET/train/ILSVRC2013_train/n01440764/n01440764_2.JPEG", (50, 40, 30, 20))
    drawing.xml("Annotations/DET/train/ILSVRC2014_train_0000/ILSVRC2014_train_00000005.xml", [])
    drawing.picture("Data/DET/train/ILSVRC2014_train_0000/ILSVRC2014_train_00000005.JPEG")
    return drawing.root
