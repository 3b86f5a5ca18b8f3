"""Whatever a parquet table of jobs holds, and wherever it is cut, it is read or refused by its name."""

import io

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from s2iammask_core.batch.reading import read_rows
from s2iammask_core.batch.reading.tables import COLUMNS
from s2iammask_core.errors import DatasetError

CELLS = [
    st.text(max_size=3),
    st.integers(-3, 2**62),
    st.floats(),
    st.booleans(),
    st.binary(max_size=3),
    st.lists(st.floats(), max_size=4),
    st.datetimes(),
]


@st.composite
def tables(draw):
    """The bytes of a table whose columns have any type each."""
    count = draw(st.integers(0, 3))
    names = draw(st.lists(st.sampled_from([*COLUMNS, "box", "other"]), min_size=1, max_size=5, unique=True))
    columns = {}
    for name in names:
        cell = st.one_of(st.none(), draw(st.sampled_from(CELLS)))
        columns[name] = pyarrow.array(draw(st.lists(cell, min_size=count, max_size=count)))
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(content=tables(), cut=st.one_of(st.just(0), st.integers(0, 400)))
def test_a_table_of_any_columns_is_read_or_refused_by_its_name(tmp_path, content, cut):
    path = tmp_path / "jobs.parquet"
    path.write_bytes(content[: len(content) - cut])

    said = ""
    try:
        sources = [row.source for row in read_rows(path)]
    except DatasetError as error:
        sources, said = [], str(error)

    assert all(sources)
    assert path.name in said or not said


def test_a_row_that_is_wrong_is_named(tmp_path):
    path = tmp_path / "jobs.parquet"
    parquet.write_table(pyarrow.table({"recording": ["a.mp4", "b.mp4"], "frame": [0, -1]}), path)

    with pytest.raises(DatasetError, match=r"jobs\.parquet, row 2: frame must be a whole number"):
        list(read_rows(path))
