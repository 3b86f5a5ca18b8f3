import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.errors import DatasetError
from s2iammask_core.evaluation.benchmarks.named import Choice, open_benchmark
from s2iammask_core.evaluation.overlap import polygon_overlap
from s2iammask_core.evaluation.sequences.folder import read_folder
from s2iammask_core.evaluation.sequences.frames import VideoFile, images_in, read_image
from s2iammask_core.evaluation.sequences.masks import davis_names, read_davis, read_labels, read_youtube_vos
from s2iammask_core.evaluation.sequences.otb import read_otb
from s2iammask_core.evaluation.sequences.regions import from_box, polygon, to_box, to_region
from s2iammask_core.evaluation.sequences.vot import NO_ATTRIBUTE, read_vot

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

    (sequence,) = read_davis(root, "2017", davis_names(root, "2017", "val"))

    assert [(each.object_id, each.first, each.last) for each in sequence.objects] == [(1, 0, 2), (3, 0, 2)]
    assert np.unique(sequence.labels(1)).tolist() == [0, 1, 3]


def test_davis_2016_has_one_object_of_all_ids(tmp_path, files):
    root = files.davis(tmp_path, ["cat"])

    (sequence,) = read_davis(root, "2016", ["cat"])

    assert [each.object_id for each in sequence.objects] == [1]
    assert np.unique(sequence.labels(1)).tolist() == [0, 1]


def test_white_is_the_object_of_davis_2016_and_nothing_known_elsewhere(tmp_path, files):
    files.labels(tmp_path / "mask.png", [[0, 255], [2, 255]])

    assert read_labels(tmp_path / "mask.png", binary=True).tolist() == [[0, 1], [1, 1]]
    assert read_labels(tmp_path / "mask.png", binary=False).tolist() == [[0, 0], [2, 0]]


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
    assert (len(video), video.size) == (6, (64, 48))


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


def broken_otb(root, files):
    files.frames(root / "a/img", 2)
    files.rows(root / "a/groundtruth_rect.txt", [(1, 2, 3, 4)] * 5)
    return "OTB", root, "a: 2 frames, but 5 boxes"


def broken_number(root, files):
    files.frames(root / "a/img", 1)
    files.rows(root / "a/groundtruth_rect.txt", [(1, "two", 3, 4)])
    return "OTB", root, "groundtruth_rect.txt, line 1: '1,two,3,4' is not a row of numbers"


def short_vot_truth(root, files):
    files.frames(root / "a", 3)
    files.rows(root / "a/groundtruth.txt", [(1, 2, 3, 4)] * 2)
    return "VOT2018", root, "a: 3 frames, but 2 rows"


def odd_vot_region(root, files):
    files.frames(root / "a", 1)
    files.rows(root / "a/groundtruth.txt", [(1, 2, 3, 4, 5)])
    return "VOT2018", root, "row 1: a region has 4 numbers, or 3 or more pairs of numbers, not 5"


def missing_annotation(root, files):
    (files.davis(root, ["cat"]) / "Annotations/480p/cat/00000.png").unlink()
    return "DAVIS2016", root, "sequence cat has no annotation for its first frame"


def missing_youtube_frame(root, files):
    (files.youtube(root) / "JPEGImages/v/00001.jpg").unlink()
    return "YTVOS2018", root, "lacks 1 of its frames, the first is 00001.jpg"


def broken_json(root, files):
    (root / "VOT2018.json").write_text('{"a": {"gt_rect": [')
    return "VOT2018", root, "VOT2018.json"


def json_without_truth(root, files):
    (root / "VOT2018.json").write_text('{"a": {"width": 3}}')
    return "VOT2018", root, "sequence a of the json file: missing or broken 'gt_rect'"


def json_list(root, files):
    (root / "VOT2018.json").write_text("[]")
    return "VOT2018", root, "must hold one object for each sequence"


def json_of_two_lengths(root, files):
    record = {"img_names": ["1.jpg"], "gt_rect": [[0, 0, 9, 9]] * 2, "width": 40, "height": 30}
    (root / "VOT2018.json").write_text(json.dumps({"a": record}))
    return "VOT2018", root, "sequence a: 1 image names, but 2 ground truth regions"


def empty_list(root, files):
    (root / "list.txt").write_text("\n")
    return "VOT2018", root, r"list of sequences .*list\.txt is empty"


def no_list(root, files):
    (files.davis(root, ["cat"]) / "ImageSets/2016/val.txt").unlink()
    return "DAVIS2016", root, r"cannot read the list of sequences .*val\.txt"


def no_object(root, files):
    files.labels(files.davis(root, ["cat"]) / "Annotations/480p/cat/00000.png", np.zeros((30, 40)))
    return "DAVIS2016", root, "the first annotation of sequence cat has no object"


def no_meta(root, files):
    return "YTVOS2019", root, r"cannot read .*meta\.json"


def late_object_without_mask(root, files):
    (files.youtube(root) / "Annotations/v/00002.png").unlink()
    return "YTVOS2019", root, "object 2 has no annotation in its first frame"


def no_otb_truth(root, files):
    files.frames(root / "a/img", 1)
    (root / "list.txt").write_text("a")
    return "OTB", root, r"there is no groundtruth_rect\.txt in .*a"


def unknown_name(root, files):
    return "VOT2020", root, "unknown data set 'VOT2020'"


def boxes_missing(root, files):
    return "folder", root, "needs a box file"


def empty_folder(root, files):
    return "VOT2018", root, "no sequence found"


def no_folder(root, files):
    return "DAVIS2017", root / "nowhere", "there is no"


@pytest.mark.parametrize(
    "breakage",
    [
        broken_otb, broken_number, short_vot_truth, odd_vot_region, missing_annotation, missing_youtube_frame,
        broken_json, empty_folder, no_folder, json_without_truth, json_list, json_of_two_lengths, empty_list,
        no_list, no_object, no_meta, late_object_without_mask, no_otb_truth, unknown_name, boxes_missing,
    ],
)  # fmt: skip
def test_broken_data_is_an_error_that_names_it(tmp_path, files, breakage):
    name, root, message = breakage(tmp_path, files)

    with pytest.raises(DatasetError, match=message.replace("(", r"\(")):
        open_benchmark(Choice(name, root))


def test_a_split_that_there_is_not_is_an_error(tmp_path, files):
    files.frames(tmp_path / "a", 1)
    files.rows(tmp_path / "a/groundtruth.txt", [(1, 2, 10, 10)])

    with pytest.raises(DatasetError, match="VOT2018 has no split 'train'"):
        open_benchmark(Choice("VOT2018", tmp_path, split="train"))


def test_a_wrong_number_of_boxes_is_an_error(tmp_path, files):
    files.frames(tmp_path / "clip", 4)
    files.rows(tmp_path / "box.txt", [(1, 2, 3, 4)] * 2)

    with pytest.raises(DatasetError, match="2 boxes for 4 frames"):
        read_folder(tmp_path / "clip", tmp_path / "box.txt")


def test_a_video_that_ends_too_early_is_an_error(tmp_path, files):
    files.video(tmp_path / "clip.avi", 4)
    video = VideoFile(tmp_path / "clip.avi")

    with pytest.raises(DatasetError, match=r"clip\.avi: frame 4 cannot be decoded"):
        video.read(4)
    with pytest.raises(DatasetError, match="cannot open the video"):
        VideoFile(tmp_path / "nothing.avi")


def test_a_frame_that_cannot_be_decoded_is_named(tmp_path):
    (tmp_path / "1.jpg").write_bytes(b"no picture")

    with pytest.raises(DatasetError, match=r"1\.jpg"):
        read_image(tmp_path / "1.jpg")


def test_a_sequence_that_there_is_not_is_named_with_those_like_it(tmp_path, files):
    root = files.davis(tmp_path / "davis", ["camel"])
    (tmp_path / "names.txt").write_text("camels\n")
    files.frames(tmp_path / "otb/Camel/img", 1)
    files.rows(tmp_path / "otb/Camel/groundtruth_rect.txt", [(1, 2, 3, 4)])
    (tmp_path / "otb.txt").write_text("Camels\n")

    with pytest.raises(DatasetError, match="camels"):
        open_benchmark(Choice("DAVIS2016", root, split=str(tmp_path / "names.txt")))
    with pytest.raises(DatasetError, match="'Camels'; did you mean Camel"):
        open_benchmark(Choice("OTB", tmp_path / "otb", split=str(tmp_path / "otb.txt")))
