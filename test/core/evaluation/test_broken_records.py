"""Whatever the notes of a results folder hold, a run goes on from them or says which file is wrong."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2iammask_core.errors import S2iamMaskError
from s2iammask_core.evaluation.results import record

EACH = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["bus", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
contents = st.one_of(
    st.binary(max_size=20), values.map(lambda value: json.dumps(value).encode()), st.just(b"[" * 9999)
)


def refusal(call):
    """What the package says against a call; nothing if it goes through."""
    try:
        call()
    except S2iamMaskError as error:
        return str(error)
    return ""


@EACH
@given(content=contents)
def test_broken_settings_of_a_run(tmp_path, content):
    (tmp_path / record.NAME).write_bytes(content)

    said = refusal(lambda: record.claim(tmp_path, {"protocol": "box"}))

    assert str(tmp_path) in said or json.loads((tmp_path / record.NAME).read_text()) == {"protocol": "box"}


@EACH
@given(content=contents)
def test_broken_digests_of_the_data(tmp_path, content):
    (tmp_path / record.DATA).write_bytes(content)

    said = refusal(lambda: record.claim_data(tmp_path, {"bus": "0f"}, done=["bus"]))

    assert str(tmp_path) in said or json.loads((tmp_path / record.DATA).read_text())["bus"] == "0f"
