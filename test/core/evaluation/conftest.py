"""Small data sets in the official layouts, drawn by hand."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image


def write_frames(folder, count, suffix=".jpg", first=1, digits=8, size=(40, 30)):
    """Frames whose grey value is ten times their index."""
    folder.mkdir(parents=True)
    for index in range(count):
        image = np.full((size[1], size[0], 3), 10 * index % 250, np.uint8)
        cv2.imwrite(str(folder / f"{first + index:0{digits}d}{suffix}"), image)


def write_rows(path, rows, separator=","):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(separator.join(map(str, row)) for row in rows) + "\n")


def save_labels(path, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(labels, np.uint8))
    image.putpalette([value for index in range(256) for value in (index, index // 2, 0)])
    image.save(path)


def davis_root(root, names, frames=3):
    for name in names:
        write_frames(root / "JPEGImages/480p" / name, frames, first=0, digits=5)
        labels = np.zeros((30, 40), np.uint8)
        labels[5:15, 5:15], labels[5:15, 20:30] = 1, 3
        for index in range(frames):
            save_labels(root / "Annotations/480p" / name / f"{index:05d}.png", labels)
    for year in ("2016", "2017"):
        write_rows(root / f"ImageSets/{year}/val.txt", [(name,) for name in names])
    return root


def moving_root(root, names, frames=7):
    """A square of 12 pixels that moves by one pixel a frame."""
    for name in names:
        write_frames(root / "JPEGImages/480p" / name, frames, first=0, digits=5)
        for index in range(frames):
            labels = np.zeros((30, 40), np.uint8)
            labels[6:18, index + 6 : index + 18] = 1
            save_labels(root / f"Annotations/480p/{name}/{index:05d}.png", labels)
    for year in ("2016", "2017"):
        write_rows(root / f"ImageSets/{year}/val.txt", [(name,) for name in names])
    return root


def youtube_root(root):
    write_frames(root / "JPEGImages/v", 4, first=0, digits=5)
    early, late = np.zeros((30, 40), np.uint8), np.zeros((30, 40), np.uint8)
    early[5:15, 5:15], late[5:15, 20:30] = 1, 2
    save_labels(root / "Annotations/v/00000.png", early)
    save_labels(root / "Annotations/v/00002.png", late)
    frames = [f"{index:05d}" for index in range(4)]
    objects = {
        "1": {"frames": frames[:3], "category": "dog"},
        "2": {"frames": frames[2:], "category": "camera"},
    }
    (root / "meta.json").write_text(json.dumps({"videos": {"v": {"objects": objects}}}))
    return root


def write_video(path, count):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for index in range(count):
        writer.write(np.full((48, 64, 3), 20 * index, np.uint8))
    writer.release()


@pytest.fixture
def files():
    return SimpleNamespace(
        frames=write_frames,
        rows=write_rows,
        labels=save_labels,
        davis=davis_root,
        moving=moving_root,
        youtube=youtube_root,
        video=write_video,
    )


@pytest.fixture
def davis(tmp_path, files):
    """Two sequences, which are all of DAVIS 2016's train and val."""
    root = files.davis(tmp_path / "davis", ["cat", "cow"], frames=5)
    files.rows(root / "ImageSets/2016/train.txt", [("cat",), ("cow",)])
    return root
