"""Folders, videos and stacks: order, numbers, and what is told of missing frames."""

import struct

import av
import numpy as np
import pytest
from PIL import Image

from s2iammask_core.errors import DatasetError, IncompleteError, VideoError
from s2iammask_core.evaluation.sequences.frames import VideoFile
from s2iammask_core.files.clips import open_clip
from s2iammask_core.files.names import in_order
from s2iammask_core.files.pictures import picture_size, read_picture, write_picture
from s2iammask_core.files.video_writer import video_writer


def shade(number, size=(24, 32)):
    return np.full((*size, 3), 20 * number, np.uint8)


@pytest.fixture
def avi(tmp_path):
    """Six frames in motion JPEG, each brighter than the one before, with grain that fills the file."""
    grain = np.random.default_rng(0).integers(-8, 9, (96, 128, 3))
    with video_writer(tmp_path / "clip.avi", 25) as writer:
        for number in range(6):
            writer.write((shade(number + 1, (96, 128)) + grain).astype(np.uint8))
    return tmp_path / "clip.avi"


def read(path):
    """Numbers and shades of what can be read, and what is said at the end."""
    found = []
    try:
        for number, frame in open_clip(str(path)).read():
            found.append((number, round(float(frame.mean()) / 20) - 1))
    except IncompleteError as error:
        return found, str(error)
    return found, ""


def test_names_are_in_the_order_of_their_numbers(tmp_path):
    names = ["10.png", "2.png", "1.png", "b2.png", "b10.png", "02.png"]

    assert [path.name for path in in_order(tmp_path / name for name in names)] == [
        "1.png", "02.png", "2.png", "10.png", "b2.png", "b10.png",
    ]  # fmt: skip


def test_a_frame_that_is_damaged_does_not_shift_the_numbers_of_later_ones(avi):
    content = bytearray(avi.read_bytes())
    place = content.index(b"movi")
    for _ in range(4):
        place = content.index(b"00dc", place + 1)
    (length,) = struct.unpack("<I", content[place + 4 : place + 8])
    content[place + 8 : place + 8 + length] = bytes(length)
    avi.write_bytes(content)

    found, said = read(avi)

    assert found == [(0, 0), (1, 1), (2, 2), (4, 4), (5, 5)]
    assert "only 5 of 6 frames" in said
    assert "missing: 3" in said


def test_a_truncated_video_says_how_many_frames_it_has_of_how_many(avi):
    avi.write_bytes(avi.read_bytes()[: avi.stat().st_size // 2])

    found, said = read(avi)

    assert 0 < len(found) < 6
    assert f"only {len(found)} of 6 frames" in said
    with pytest.raises(DatasetError, match=r"frame 5 of 6 cannot be decoded"):
        VideoFile(avi).read(5)


def test_a_limit_asks_for_nothing_beyond_it(avi):
    avi.write_bytes(avi.read_bytes()[: avi.stat().st_size * 3 // 4])

    assert [each.number for each in open_clip(str(avi)).read(2)] == [0, 1]


def test_a_picture_that_is_cut_is_left_out_and_named(tmp_path):
    for number in range(3):
        write_picture(tmp_path / f"{number}.png", shade(number + 1))
    whole = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(whole[: len(whole) // 2])

    found, said = read(tmp_path)

    assert found == [(0, 0), (2, 2)]
    assert "1.png" in said


@pytest.mark.parametrize("suffix", [".tiff", ".png", ".gif", ".webp"])
def test_a_file_with_many_pictures_is_a_clip_of_all_of_them(tmp_path, suffix):
    pages = [Image.fromarray(shade(number)) for number in range(4)]
    pages[0].save(tmp_path / f"clip{suffix}", save_all=True, append_images=pages[1:])

    clip = open_clip(str(tmp_path / f"clip{suffix}"))

    assert clip.count == 4
    assert [number for number, _ in clip.read()] == [0, 1, 2, 3]
    with pytest.raises(DatasetError, match="holds 4 pictures"):
        read_picture(tmp_path / f"clip{suffix}")


def test_a_picture_is_turned_as_it_says_in_pixels_and_in_size(tmp_path):
    sideways = Image.fromarray(np.hstack([shade(0, (20, 10)), shade(9, (20, 30))]))
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways.save(tmp_path / "turned.jpg", exif=exif)

    frame = read_picture(tmp_path / "turned.jpg")

    assert frame.shape[1::-1] == picture_size(tmp_path / "turned.jpg") == (20, 40)
    assert frame[:5].mean() < 20 < 150 < frame[-5:].mean()


def test_a_picture_of_16_bits_keeps_its_upper_8(tmp_path):
    Image.fromarray(np.full((4, 5), 51 * 257, np.uint16)).save(tmp_path / "deep.png")

    assert read_picture(tmp_path / "deep.png").tolist() == [[[51] * 3] * 5] * 4


def test_two_pictures_of_one_name_are_refused(tmp_path):
    for suffix in ("png", "jpg"):
        write_picture(tmp_path / f"1.{suffix}", shade(1))

    with pytest.raises(DatasetError, match=r"both 1\.(png and 1\.jpg|jpg and 1\.png)"):
        open_clip(str(tmp_path))


@pytest.fixture
def mkv(tmp_path):
    """Six frames, each a key frame, without a promise of how many there are."""
    grain = np.random.default_rng(0).integers(0, 60, (96, 128, 3))
    with av.open(str(tmp_path / "clip.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(6):
            pixels = (shade(number + 1, (96, 128)) + grain).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return tmp_path / "clip.mkv"


def test_a_short_video_that_is_cut_is_noticed_though_its_end_was_looked_at_when_it_was_opened(mkv):
    assert read(mkv)[1] == ""
    mkv.write_bytes(mkv.read_bytes()[: mkv.stat().st_size // 2])

    found, said = read(mkv)

    assert 0 < len(found) < 6
    assert f"only {len(found)} frames could be decoded before its end was missing" in said


@pytest.mark.parametrize("told", [b"garbage00.240000", b"00:00:nan.240000"])
def test_a_duration_that_is_no_time_promises_nothing(mkv, told):
    content = mkv.read_bytes()
    assert content.count(b"00:00:00.240000") == 1
    mkv.write_bytes(content.replace(b"00:00:00.240000", told[:15]))

    assert [number for number, _ in read(mkv)[0]] == [0, 1, 2, 3, 4, 5]


def test_where_nothing_says_how_many_frames_are_lost_the_numbers_after_them_are_doubted(mkv):
    content = bytearray(mkv.read_bytes())
    middle = len(content) // 2
    del content[middle : middle + 600]
    mkv.write_bytes(content)

    found, said = read(mkv)

    assert len(found) < 6
    assert "may be too low" in said


def test_a_gif_without_its_end_is_cut(tmp_path):
    path = tmp_path / "clip.gif"
    pages = [Image.fromarray(shade(number)) for number in range(4)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b"\x21\xf9\x04")])

    found, said = read(path)

    assert [number for number, _ in found] == [0, 1, 2]
    assert "only 3 frames could be decoded before its end was missing" in said
    assert [each.number for each in open_clip(str(path)).read(2)] == [0, 1]


def test_a_clip_of_a_frame_each_100_seconds_can_be_written(tmp_path):
    pages = [Image.fromarray(shade(number, (32, 32))) for number in range(3)]
    pages[0].save(tmp_path / "slow.png", save_all=True, append_images=pages[1:], duration=100_000)
    slow = open_clip(str(tmp_path / "slow.png"))

    with video_writer(tmp_path / "slow.mp4", slow.rate) as writer:
        for frame in slow:
            writer.write(frame)

    assert open_clip(str(tmp_path / "slow.mp4")).rate == slow.rate == 0.01


def test_a_number_that_no_camera_has_names_nothing():
    with pytest.raises(VideoError, match="there is no video, folder or camera '9999999999'"):
        open_clip("9999999999")
