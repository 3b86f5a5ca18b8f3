"""Whatever annotations of a data set hold, they are read, or refused by the name of what is wrong."""

import json
from contextlib import suppress

from broken_values import EACH, boxes, read_or_told, record, values
from hypothesis import given
from hypothesis import strategies as st

from s2iammask_core.data.readers.crops import read_prepared
from s2iammask_core.data.readers.imagenet import XmlReader
from s2iammask_core.data.readers.youtube_vos import read_youtube_vos
from s2iammask_core.errors import S2iamMaskError
from s2iammask_core.evaluation.sequences import masks
from s2iammask_core.files.davis import listed_sequences
from s2iammask_core.files.stills import listed_stills

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


@EACH
@given(
    content=st.one_of(
        values,
        st.dictionaries(
            st.sampled_from(["v", "\ud800"]),
            st.dictionaries(
                st.sampled_from(["00", "x", "9" * 12, "\u00b2"]),
                st.dictionaries(st.sampled_from(["000000", "hard", "\u00b2", "9" * 12]), boxes, max_size=2),
                max_size=2,
            ),
            max_size=2,
        ),
    )
)
def test_a_broken_json_of_crops(tmp_path, content):
    (tmp_path / "crop511").mkdir(exist_ok=True)
    path = tmp_path / "train.json"
    path.write_text(json.dumps(content))

    with suppress(S2iamMaskError):  # "no annotated object" names the folder of the crops
        read_prepared(tmp_path)


@EACH
@given(content=st.one_of(values, youtube))
def test_a_broken_meta_json(layouts, content):
    path = layouts / "meta.json"
    path.write_text(json.dumps(content))

    for read in (
        lambda: masks.read_youtube_vos(layouts),
        lambda: read_youtube_vos(layouts.parent, layouts.name),
    ):
        with suppress(S2iamMaskError):  # it names what it could not find, which may be another file
            read()


@EACH
@given(
    content=st.one_of(
        values,
        st.dictionaries(
            st.sampled_from(["0", "1", "7"]),
            record(
                {"objects": st.dictionaries(st.sampled_from("1x"), record({"area": values}, category=values))}
            ),
        ),
    )
)
def test_a_broken_index_of_stills(layouts, content):
    path = layouts / "index.json"
    path.write_text(json.dumps(content))

    read_or_told(path, lambda _: listed_stills(layouts))


sides = st.sampled_from(
    ["<xmin>1</xmin>", "<ymin>nan</ymin>", "<xmax>1e400</xmax>", "<ymax>x</ymax>", "<", ""]
)


@EACH
@given(
    content=st.one_of(
        st.binary(max_size=40),
        st.lists(sides, max_size=5).map(
            lambda found: f"<a><object><bndbox>{''.join(found)}</bndbox></object></a>".encode()
        ),
    )
)
def test_a_broken_xml_of_boxes(tmp_path, content):
    path = tmp_path / "picture.xml"
    path.write_bytes(content)

    read_or_told(path, lambda path: XmlReader()(str(path)))


@EACH
@given(content=st.one_of(st.binary(max_size=40), st.text("ab/.\n \u0085", max_size=20).map(str.encode)))
def test_a_broken_list_of_sequences(tmp_path, content):
    path = tmp_path / "ImageSets/480p/val.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

    read_or_told(path, lambda _: listed_sequences(tmp_path, "2016", "val"))
