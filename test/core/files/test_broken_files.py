"""Whatever bytes a file holds, a reader either reads it or says what is wrong with it by name."""

import io
import json

import av
import numpy as np
import pytest
from broken_values import EACH, read_or_told
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from s2iammask_core.data.readers.coco import read_coco
from s2iammask_core.errors import DatasetError, S2iamMaskError
from s2iammask_core.evaluation.sequences.regions import read_boxes
from s2iammask_core.evaluation.sequences.vot import read_vot
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.json_files import read_object
from s2iammask_core.files.labels import read_labels, scheme_of
from s2iammask_core.files.outputs import write_bytes
from s2iammask_core.files.pictures import picture_size, read_picture
from s2iammask_core.files.texts import read_names, read_number_rows, read_text
from s2iammask_core.files.video_writer import video_writer

PIXELS = np.arange(24 * 32 * 3, dtype=np.uint8).reshape(24, 32, 3)


def picture(kind, **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **options)
    return file.getvalue()


def stack(kind):
    pages = [Image.fromarray(np.roll(PIXELS, shift, axis=1)) for shift in range(3)]
    file = io.BytesIO()
    pages[0].save(file, kind, save_all=True, append_images=pages[1:])
    return file.getvalue()


def video(kind, codec):
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for shift in range(6):
            frame = av.VideoFrame.from_ndarray(np.roll(PIXELS, shift, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


PICTURES = [picture("JPEG"), picture("PNG"), picture("BMP"), picture("TIFF"), picture("WEBP"), picture("PPM")]
STACKS = {".png": stack("PNG"), ".gif": stack("GIF"), ".tiff": stack("TIFF"), ".webp": stack("WEBP")}
VIDEOS = {".avi": video("avi", "mjpeg"), ".mp4": video("mp4", "mpeg4"), ".mkv": video("matroska", "mpeg4")}


def hurt(whole):
    """The bytes cut at some place, with some of them changed, or others altogether."""
    cut = st.integers(0, len(whole)).map(lambda end: whole[:end])
    places = st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), min_size=1, max_size=9)
    return st.one_of(cut, places.map(lambda changes: changed(whole, changes)), st.binary(max_size=64))


def changed(whole, changes):
    made = bytearray(whole)
    for place, value in changes:
        made[place] = value
    return bytes(made)


@EACH
@given(content=st.sampled_from(PICTURES).flatmap(hurt))
def test_a_broken_picture(tmp_path, content):
    path = tmp_path / "picture.png"
    path.write_bytes(content)

    frame = read_or_told(path, read_picture)
    size = read_or_told(path, picture_size)
    read_or_told(path, read_labels)
    read_or_told(path, scheme_of)

    assert frame is None or frame.shape[1::-1] == size


@EACH
@given(chosen=st.sampled_from(sorted(STACKS | VIDEOS)), data=st.data())
def test_a_broken_video_or_stack(tmp_path, chosen, data):
    path = tmp_path / f"clip{chosen}"
    path.write_bytes(data.draw(hurt((STACKS | VIDEOS)[chosen])))
    numbers = []

    def read(path):
        numbers.extend(each.number for each in open_clip(str(path)).read())

    read_or_told(path, read)

    assert numbers == sorted(set(numbers))


texts = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text("0123456789,.;- \tnaif_e\n\r", max_size=80).map(str.encode),
    st.text("0123456789,.\n", max_size=40).map(lambda text: text.encode("utf-16")),
)


@EACH
@given(content=texts)
def test_a_broken_text_list_or_table(tmp_path, content):
    path = tmp_path / "table.txt"
    path.write_bytes(content)

    for read in (read_text, read_names, read_number_rows, read_boxes, read_object):
        read_or_told(path, read)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
segmentations = st.one_of(
    values,
    st.lists(st.lists(st.floats(-9, 99), max_size=9), max_size=3),
    st.fixed_dictionaries(
        {"size": st.lists(st.integers(-1, 40), max_size=3), "counts": st.one_of(st.text(max_size=9), values)}
    ),
)
annotations = st.fixed_dictionaries(
    {"image_id": st.sampled_from([0, 1, None]), "bbox": st.one_of(values, st.lists(st.floats(), max_size=5))},
    optional={"segmentation": segmentations, "iscrowd": values, "id": values},
)


@EACH
@given(found=st.one_of(values, st.lists(annotations, max_size=3)), size=st.one_of(st.just(24), values))
def test_broken_coco_annotations(tmp_path, found, size):
    (tmp_path / "train2017").mkdir(exist_ok=True)
    (tmp_path / "annotations").mkdir(exist_ok=True)
    path = tmp_path / "annotations/instances_train2017.json"
    image = {"id": 0, "file_name": "0.jpg", "width": 32, "height": size}
    path.write_text(json.dumps({"images": [image], "annotations": found}))

    try:
        videos = read_coco(tmp_path).videos
    except DatasetError as error:
        said, videos = str(error), ()
        named = path.name in said or "no annotated object" in said
    else:
        named = True
    tracks = [track for video in videos for track in video.tracks.values()]

    assert named
    masks = [each.mask for track in tracks for each in track.values() if each.mask is not None]
    assert all(map(told_or_some, masks))


def told_or_some(mask):
    try:
        return mask.load().any()
    except DatasetError:
        return True


records = st.fixed_dictionaries({"gt_rect": values, "width": values, "height": values})


@EACH
@given(record=st.one_of(values, records))
def test_a_broken_vot_json(tmp_path, record):
    path = tmp_path / "VOT2018.json"
    path.write_text(json.dumps({"VOT2018.json": record}))

    read_or_told(path, read_vot)


@EACH
@given(name=st.text(min_size=1, max_size=12), content=st.binary(max_size=20))
def test_an_output_of_any_name_is_whole_or_refused(tmp_path, name, content):
    path = tmp_path / "out" / name.replace("\0", "0").replace("/", "_")
    try:
        write_bytes(path, content)
    except (S2iamMaskError, UnicodeEncodeError):
        assert not path.is_file()
    else:
        assert path.read_bytes() == content
        path.unlink()


@EACH
@given(rate=st.floats(0.01, 1000), width=st.integers(16, 40), height=st.integers(16, 40))
def test_a_video_of_any_rate_and_size_is_read_back(tmp_path, rate, width, height):
    path = tmp_path / "clip.mp4"
    frame = np.full((height, width, 3), 99, np.uint8)
    with video_writer(path, rate) as writer:
        for _ in range(3):
            writer.write(frame)

    clip = open_clip(str(path))

    assert (clip.count, next(iter(clip)).shape) == (3, frame.shape)
    assert clip.rate == pytest.approx(rate, rel=0.01)
