import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.overlap import polygon_overlap
from s2iammask_core.evaluation.sequences.folder import read_folder
from s2iammask_core.evaluation.sequences.frames import VideoFile, images_in
from s2iammask_core.evaluation.sequences.masks import read_davis, read_youtube_vos
from s2iammask_core.evaluation.sequences.otb import read_otb
from s2iammask_core.evaluation.sequences.regions import from_box, polygon, to_box, to_region
from s2iammask_core.evaluation.sequences.vot import NO_ATTRIBUTE, read_vot
from s2iammask_core.files.davis import listed_sequences
from s2iammask_core.files.labels import Scheme, read_labels

ROOT = Path(__file__).resolve().parents[3]
CLIPS = ROOT.parent / "shared/data/sequences"
needs_clips = pytest.mark.skipif(not CLIPS.is_dir(), reason="needs the real clips in ../shared/data")


def test_vot_frames_lie_in_the_folder_or_in_color(tmp_path, files):
    files.frames(tmp_path / "old", 3)
    files.frames(tmp_path / "new/color", 3)
    for name in ("old", "new"):
        files.rows(tmp_path / name / "groundtruth.txt", [(1, 2, 10, 10)] * 3)

    new, old = read_vot(tmp_path)

    assert (new.name, old.name) == ("new", "old")
    assert new.truth.size == (40, 30)
    assert abs(int(old.frames.read(2).mean()) - 20) <= 1


def test_a_vot_list_chooses_and_orders_the_sequences(tmp_path, files):
    for name in ("a", "b", "c"):
        files.frames(tmp_path / name, 2)
        files.rows(tmp_path / name / "groundtruth.txt", [(1, 2, 10, 10)] * 2)
    (tmp_path / "list.txt").write_text("c\na\n")

    assert [each.name for each in read_vot(tmp_path)] == ["c", "a"]


def test_four_numbers_of_vot_mean_the_outermost_pixels():
    assert polygon([10, 20, 5, 4], "").tolist() == [[10, 20], [10, 23], [14, 23], [14, 20]]


def test_vot_regions_have_four_or_eight_numbers_or_none(tmp_path, files):
    files.frames(tmp_path / "a", 3)
    files.rows(tmp_path / "a/groundtruth.txt", [(1, 2, 10, 10), (0, 0, 9, 0, 9, 9, 0, 9), ("nan",) * 8])

    (sequence,) = read_vot(tmp_path)

    assert sequence.truth.regions.shape == (3, 4, 2)
    assert np.isnan(sequence.truth.regions).all(axis=(1, 2)).tolist() == [False, False, True]


def test_vot_tags_are_padded_and_what_has_none_is_a_tag_too(tmp_path, files):
    files.frames(tmp_path / "a", 4)
    files.rows(tmp_path / "a/groundtruth.txt", [(1, 2, 10, 10)] * 4)
    files.rows(tmp_path / "a/occlusion.tag", [(0,), (1,)])
    files.rows(tmp_path / "a/camera_motion.label", [(1,), (0,), (0,), (0,)])

    (sequence,) = read_vot(tmp_path)

    assert sequence.truth.tags["occlusion"].tolist() == [False, True, False, False]
    assert sequence.truth.tags["camera_motion"].tolist() == [True, False, False, False]
    assert sequence.truth.tags[NO_ATTRIBUTE].tolist() == [False, False, True, True]


def test_a_vot_json_file_holds_everything_but_the_frames(tmp_path, files):
    record = {"img_names": ["a/1.jpg", "a/2.jpg"], "gt_rect": [[0, 0, 9, 9]] * 2, "width": 40, "height": 30}
    (tmp_path / "VOT2018.json").write_text(
        json.dumps({"a": {**record, "occlusion": [1, 0], "size_change": []}})
    )
    files.frames(tmp_path / "frames/a", 2, digits=1)

    (sequence,) = read_vot(tmp_path / "VOT2018.json", frames=tmp_path / "frames")

    assert sequence.truth.size == (40, 30)
    assert sequence.truth.tags["occlusion"].tolist() == [True, False]
    assert sequence.frames.read(1).shape == (30, 40, 3)


def test_a_vot_json_file_without_names_means_the_challenges_own(tmp_path, files):
    record = {"gt_rect": [[0, 0, 9, 9]] * 2, "width": 40, "height": 30}
    (tmp_path / "VOT2018.json").write_text(json.dumps({"a": record}))
    files.frames(tmp_path / "a/color", 2)

    (sequence,) = read_vot(tmp_path / "VOT2018.json")

    assert sequence.frames.read(1).shape == (30, 40, 3)


def test_a_vot_root_may_hold_no_more_than_its_json_file(tmp_path):
    record = {"img_names": ["1.jpg"], "gt_rect": [[0, 0, 9, 9]], "width": 40, "height": 30}
    (tmp_path / "VOT2019.json").write_text(json.dumps({"a": record}))

    benchmark = open_benchmark(Choice("VOT2019", tmp_path))

    assert (benchmark.names, benchmark.interval) == (("a",), (46, 291))


def test_a_rotated_box_covers_the_same_pixels_as_a_vot_region():
    box = RotatedBox.from_box(Box(10, 20, 31, 40))  # pixels 10 to 30 and 20 to 39

    assert polygon_overlap(to_region(box), polygon([10, 20, 21, 20], "")) == 1


def test_boxes_that_count_pixels_from_one_go_there_and_back():
    numbers = np.array([1.0, 1.0, 5.0, 6.0])

    box = to_box(numbers, first_pixel=1)

    assert box == Box(0, 0, 5, 6)
    assert from_box(box, first_pixel=1) == numbers.tolist()


@pytest.mark.parametrize("separator", [",", "\t", " ", ", ", ";"])
def test_otb_boxes_come_in_many_dialects(tmp_path, separator, files):
    files.frames(tmp_path / "Crossing/img", 2, digits=4)
    files.rows(
        tmp_path / "Crossing/groundtruth_rect.txt", [(205, 151, 17, 50), (202, 150, 19, 49)], separator
    )

    (sequence,) = read_otb(tmp_path)

    assert sequence.boxes.tolist() == [[205, 151, 17, 50], [202, 150, 19, 49]]


def test_joggings_two_targets_are_two_sequences(tmp_path, files):
    files.frames(tmp_path / "Jogging/img", 2, digits=4)
    for number in (1, 2):
        files.rows(tmp_path / f"Jogging/groundtruth_rect.{number}.txt", [(number, 2, 3, 4)] * 2)

    sequences = read_otb(tmp_path)

    assert [each.name for each in sequences] == ["Jogging.1", "Jogging.2"]
    assert [each.boxes[0, 0] for each in sequences] == [1, 2]


def test_davids_boxes_begin_with_frame_300(tmp_path, files):
    files.frames(tmp_path / "David/img", 4, first=298, digits=4)
    files.rows(tmp_path / "David/groundtruth_rect.txt", [(1, 2, 3, 4)] * 2)

    (sequence,) = read_otb(tmp_path)

    assert [sequence.frames.name(index) for index in range(2)] == ["0300", "0301"]


@needs_clips
def test_the_real_clips_are_read():
    vot = open_benchmark(Choice("vot-layout", CLIPS))
    otb = open_benchmark(Choice("otb-layout", CLIPS))

    assert [(name, vot.length(name)) for name in vot.names] == [("vot_bag", 196)]
    assert [(name, otb.length(name)) for name in otb.names] == [
        ("otb_Crossing", 120),
        ("otb_Jogging.1", 307),
        ("otb_Jogging.2", 307),
    ]


def test_davis_2017_has_an_object_for_each_id(tmp_path, files):
    root = files.davis(tmp_path, ["cat"])

    (sequence,) = read_davis(root, "2017", listed_sequences(root, "2017", "val"))

    assert [(each.object_id, each.first, each.last) for each in sequence.objects] == [(1, 0, 2), (3, 0, 2)]
    assert np.unique(sequence.labels(1)).tolist() == [0, 1, 3]


def test_davis_2016_has_one_object_of_all_ids(tmp_path, files):
    root = files.davis(tmp_path, ["cat"])

    (sequence,) = read_davis(root, "2016", ["cat"])

    assert [each.object_id for each in sequence.objects] == [1]
    assert np.unique(sequence.labels(1)).tolist() == [0, 1]


def test_white_is_the_object_of_davis_2016_and_nothing_known_elsewhere(tmp_path, files):
    files.labels(tmp_path / "mask.png", [[0, 255], [2, 255]])

    assert read_labels(tmp_path / "mask.png", Scheme.ONE).ids.tolist() == [[0, 1], [1, 1]]
    assert read_labels(tmp_path / "mask.png").ids.tolist() == [[0, 0], [2, 0]]
    assert read_labels(tmp_path / "mask.png").void.tolist() == [[False, True], [False, True]]


def test_youtube_objects_appear_and_end_in_their_own_frames(tmp_path, files):
    (sequence,) = read_youtube_vos(files.youtube(tmp_path))

    assert [(each.object_id, each.first, each.last) for each in sequence.objects] == [(1, 0, 2), (2, 2, 3)]
    assert not sequence.has_truth


def test_frames_of_a_folder_are_in_the_order_of_their_names(tmp_path, files):
    files.frames(tmp_path / "a", 12, suffix=".png", digits=3)

    frames = images_in(tmp_path / "a")

    assert [int(frames.read(index).mean()) for index in (0, 9, 10)] == [0, 90, 100]


def test_a_video_is_read_at_any_frame_and_in_another_process(tmp_path, files):
    files.video(tmp_path / "clip.avi", 6)
    video = pickle.loads(pickle.dumps(VideoFile(tmp_path / "clip.avi")))

    values = [int(video.read(index).mean()) for index in (0, 3, 1)]

    assert values == pytest.approx([0, 60, 20], abs=3)
    assert (len(video), video.size(0)) == (6, (64, 48))


def test_a_video_with_a_box_file_is_a_sequence(tmp_path, files):
    files.video(tmp_path / "clip.avi", 6)
    files.rows(tmp_path / "box.txt", [(10, 10, 20, 20)])

    sequence = read_folder(tmp_path / "clip.avi", tmp_path / "box.txt")

    assert (sequence.name, len(sequence.frames), len(sequence.boxes)) == ("clip", 6, 1)


def test_a_split_may_be_a_file_with_names(tmp_path, files):
    root = files.davis(tmp_path / "davis", ["cat", "dog", "cow"])
    (tmp_path / "mine.txt").write_text("cow\ncat\n")

    benchmark = open_benchmark(Choice("DAVIS2016", root, split=str(tmp_path / "mine.txt")))

    assert benchmark.names == ("cow", "cat")


def test_vot2016_may_be_scored_by_the_challenges_own_convention(tmp_path, files):
    files.frames(tmp_path / "a", 1)
    files.rows(tmp_path / "a/groundtruth.txt", [(1, 2, 10, 10)])

    usual = open_benchmark(Choice("VOT2016", tmp_path))
    official = open_benchmark(Choice("VOT2016", tmp_path, interval=(108, 371)))

    assert (usual.interval, official.interval) == ((100, 356), (108, 371))


def test_a_blank_line_of_a_tag_is_a_frame_without_it(tmp_path, files):
    files.frames(tmp_path / "a", 4)
    files.rows(tmp_path / "a/groundtruth.txt", [(1, 2, 3, 4)] * 4)
    files.rows(tmp_path / "a/occlusion.tag", [(1,), (), (0,), (1,)])

    (sequence,) = read_vot(tmp_path)

    assert sequence.truth.tags["occlusion"].tolist() == [True, False, False, True]


def test_white_alone_is_no_truth_of_a_sequence_with_ids(tmp_path, files):
    root = files.davis(tmp_path, ["cat"])
    (cat,) = read_davis(root, "2017", ["cat"])
    path = root / "Annotations/480p/cat/00001.png"
    Image.fromarray((np.array(Image.open(path)) > 0).astype(np.uint8) * 255).save(path)

    with pytest.raises(DatasetError, match=r"00001\.png holds only 0 and 255, but the first .* has ids"):
        cat.labels(1)
