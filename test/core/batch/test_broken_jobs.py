"""Whatever a table of jobs or the first boxes of another program hold, they are read, or refused by name."""

import json

from broken_values import EACH, boxes, leaves, read_or_told, record, values
from hypothesis import given
from hypothesis import strategies as st

from s2iammask_core.batch import corrections
from s2iammask_core.batch.reading import read_rows
from s2iammask_core.batch.targets import target_of

segmentations = st.one_of(
    values,
    st.lists(st.lists(st.floats(-9, 40), max_size=8), max_size=2),
    record({"size": st.sampled_from([[24, 32], [32, 24], [1], 5]), "counts": values}),
)
coco = record(
    {
        "images": st.just([{"id": 0, "file_name": "pictures/0.jpg", "width": 32, "height": 24}]),
        "annotations": st.lists(
            record(
                {"image_id": st.sampled_from([0, 0, 1, None])},
                bbox=boxes,
                segmentation=segmentations,
                id=values,
                track_id=values,
                category_id=values,
            ),
            max_size=2,
        ),
    },
    videos=values,
    categories=values,
)
youtube = record(
    {
        "videos": st.dictionaries(
            st.sampled_from(["v", "w"]),
            record(
                {
                    "objects": st.dictionaries(
                        st.sampled_from(["1", "0", "x", "-1", "999"]),
                        record(
                            {
                                "frames": st.one_of(
                                    values, st.lists(st.sampled_from(["0", "1", "7"]), max_size=2)
                                )
                            },
                            category=values,
                        ),
                        max_size=2,
                    )
                }
            ),
            max_size=2,
        )
    }
)
shapes = st.lists(
    record({"type": st.just("rectangle"), "frame": values, "points": boxes}, label=values, outside=values),
    max_size=2,
)
cvat = st.lists(record({"shapes": shapes, "tracks": st.lists(record({"shapes": shapes}), max_size=2)}))
label_studio = st.lists(
    record(
        {
            "data": st.just({"image": "pictures/0.jpg", "video": "clip.mp4"}),
            "annotations": st.lists(
                record(
                    {
                        "result": st.lists(
                            record(
                                {
                                    "type": st.sampled_from(["videorectangle", "rectanglelabels"]),
                                    "value": record(
                                        dict.fromkeys(("x", "y", "width", "height"), leaves),
                                        rotation=leaves,
                                        rectanglelabels=values,
                                        sequence=st.lists(
                                            record(
                                                {"frame": values},
                                                x=values,
                                                y=values,
                                                width=values,
                                                height=values,
                                            ),
                                            max_size=2,
                                        ),
                                    ),
                                },
                                to_name=st.sampled_from(["image", "video"]),
                            ),
                            max_size=2,
                        )
                    }
                ),
                max_size=1,
            ),
        }
    ),
    min_size=1,
    max_size=2,
)


@EACH
@given(content=st.one_of(values, coco, youtube, cvat, label_studio))
def test_broken_first_boxes_of_other_programs(layouts, content):
    path = layouts / "annotations.json"
    path.write_text(json.dumps(content))

    rows = read_or_told(path, lambda path: list(read_rows(path))) or []

    assert all(row.start.at >= 0 and row.start.id >= 0 for row in rows)
    for row in rows:
        if row.start.mask.startswith("{"):
            assert target_of(row.start, (24, 32)).any()


cells = st.sampled_from(["", "0", "1", "-1", "0.5", "nan", "inf", "9" * 400, "x", '"', "a\0b", "{", "\u2028"])
COLUMNS = [
    "recording",
    "frame",
    "stamp",
    "id",
    "label",
    "x",
    "y",
    "width",
    "height",
    "mask",
    "corrected",
    "by",
]


@EACH
@given(
    head=st.lists(st.sampled_from(COLUMNS), max_size=9),
    rows=st.lists(st.lists(cells, max_size=9), max_size=3),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    cut=st.integers(0, 3),
)
def test_a_broken_table_of_jobs_or_corrections(tmp_path, head, rows, encoding, cut):
    path = tmp_path / "jobs.csv"
    content = "\r\n".join(",".join(row) for row in [head, *rows]).encode(encoding)
    path.write_bytes(content[: len(content) - cut])

    read_or_told(path, lambda path: list(read_rows(path)))
    read_or_told(path, lambda path: list(corrections.read_review(path)))


@EACH
@given(
    content=st.one_of(
        st.binary(max_size=40),
        st.lists(
            record(
                {"recording": values},
                frame=values,
                stamp=values,
                id=values,
                box=boxes,
                mask=values,
                label=values,
            )
        ).map(lambda rows: "\n".join(map(json.dumps, rows)).encode()),
    )
)
def test_broken_json_lines(tmp_path, content):
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(content)

    read_or_told(path, lambda path: list(read_rows(path)))
