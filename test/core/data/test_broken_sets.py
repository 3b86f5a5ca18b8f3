"""Whatever annotations of a data set hold, they are read, or refused by the name of what is wrong."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from s2iammask_core.data.readers.crops import read_prepared
from s2iammask_core.data.readers.imagenet import XmlReader
from s2iammask_core.data.readers.youtube_vos import read_youtube_vos
from s2iammask_core.errors import S2iamMaskError
from s2iammask_core.evaluation.sequences import masks
from s2iammask_core.files.davis import listed_sequences
from s2iammask_core.files.stills import listed_stills

EACH = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
HUGE = 10**400  # which no float holds
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.just(HUGE), st.floats(), st.sampled_from(["", "1", "x"])
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("01x"), inner, max_size=3)
    ),
    max_leaves=6,
)
boxes = st.one_of(values, st.lists(st.one_of(leaves, st.floats(0, 30)), min_size=4, max_size=4))


def record(required, **optional):
    """An object that has what is required, and other things now and then."""
    return st.fixed_dictionaries(required, optional=optional)


def read_or_told(path, read):
    """Calls a reader, which may refuse in the package's own words alone, by the file's name."""
    try:
        return read()
    except S2iamMaskError as error:
        said = str(error)
    assert path.name in said
    return None


@pytest.fixture
def root(tmp_path):
    """Two pictures of 32x24 in each of the layouts."""
    for folder in ("pictures", "JPEGImages/v", "Annotations/v", "images", "masks", "data"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(2):
            suffix = "png" if folder in ("Annotations/v", "masks") else "jpg"
            picture = Image.fromarray(np.ones((24, 32), np.uint8))
            picture.save(tmp_path / folder / f"{number}.{suffix}")
    return tmp_path


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
def test_a_broken_meta_json(root, content):
    path = root / "meta.json"
    path.write_text(json.dumps(content))

    for read in (lambda: masks.read_youtube_vos(root), lambda: read_youtube_vos(root.parent, root.name)):
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
def test_a_broken_index_of_stills(root, content):
    path = root / "index.json"
    path.write_text(json.dumps(content))

    read_or_told(path, lambda: listed_stills(root))


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

    read_or_told(path, lambda: XmlReader()(str(path)))


@EACH
@given(content=st.one_of(st.binary(max_size=40), st.text("ab/.\n \u0085", max_size=20).map(str.encode)))
def test_a_broken_list_of_sequences(tmp_path, content):
    path = tmp_path / "ImageSets/480p/val.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

    read_or_told(path, lambda: listed_sequences(tmp_path, "2016", "val"))
