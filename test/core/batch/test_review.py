"""What people should look at, and what becomes of their corrections."""

import csv

import pytest

from s2iammask_core.batch import corrections
from s2iammask_core.errors import DatasetError

RED = ("cup", 60, 80, 60, 40)
GREEN = ("ball", 220, 150, 40, 40)


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def correct(path, texts):
    """Fills the column `corrected` of some frames of object 1."""
    rows = read(path)
    for row in rows:
        row["corrected"] = texts.get(int(row["frame"]), "") if row["id"] == "1" else ""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    return path


@pytest.fixture
def jobs(frames, table, tmp_path):
    """A recording in which the red thing is gone from frame 5 on."""
    frames(tmp_path / "a", count=20, red_until=5)
    return table(("a", 0, 1, *RED), ("a", 0, 2, *GREEN))


def test_doubtful_frames_are_listed_and_the_worst_are_shown(batch, jobs):
    out = batch(jobs).out

    rows = read(out / "review.csv")
    assert {row["id"] for row in rows} == {"1"}
    assert [int(row["frame"]) for row in rows] == list(range(5, 20))
    assert {row["state"] for row in rows} == {"uncertain", "lost"}
    page = (out / "review.html").read_text()
    pictures = [path.name for path in (out / "review/a").iterdir()]
    assert len(pictures) == 1
    assert f"review/a/{pictures[0]}" in page


def test_lost_objects_are_no_labels(batch, jobs, coco):
    out = batch(jobs).out

    lost = {int(row["frame"]) for row in read(out / "review.csv") if row["state"] == "lost"}
    assert lost
    assert not {frame for _, frame, id_ in coco(out) if id_ == 1} & lost


def test_after_a_correction_only_what_comes_after_it_is_tracked_again(batch, jobs, coco):
    first = batch(jobs)
    before = coco(first.out)
    review = correct(first.out / "review.csv", {12: "172,150,40,40"})
    corrections.add(first.out, corrections.read_review(review))

    second = batch(jobs)
    third = batch(jobs)

    after = coco(second.out)
    assert (first.frames, second.frames, third.frames) == (20, 8, 0)
    assert after["a", 12, 1] == [172, 150, 40, 40]
    assert {key: box for key, box in after.items() if key[2] == 2 or key[1] < 12} == {
        key: box for key, box in before.items() if key[2] == 2 or key[1] < 12
    }


def test_what_is_gone_is_not_tracked_any_more(batch, jobs, coco):
    first = batch(jobs)
    review = correct(first.out / "review.csv", {5: "gone"})
    corrections.add(first.out, corrections.read_review(review))

    second = batch(jobs)

    assert second.frames == 0
    assert read(second.out / "review.csv") == []
    assert max(frame for _, frame, id_ in coco(second.out) if id_ == 1) == 4


def test_a_correction_that_is_none_is_named(batch, jobs):
    review = correct(batch(jobs).out / "review.csv", {5: "somewhere"})

    with pytest.raises(
        DatasetError, match=r"row 2: the box .*somewhere.* is no four numbers; `corrected` is .*gone"
    ):
        list(corrections.read_review(review))


def test_a_review_without_its_other_columns_is_named(tmp_path):
    review = tmp_path / "review.csv"
    review.write_text('recording,corrected\na,"1,2,30,40"\n')

    with pytest.raises(DatasetError, match="row 2: 'by'"):
        list(corrections.read_review(review))


def test_a_review_that_a_spreadsheet_saved_is_read(tmp_path):
    review = tmp_path / "review.csv"
    rows = "recording,topic,by,frame,id,label,corrected\r\na,,frame,3,1,cup,gone\r\n\r\n"
    review.write_bytes(rows.encode("utf-16"))

    (row,) = corrections.read_review(review)

    assert (row.source, row.start.at, row.start.gone) == ("a", 3, True)
