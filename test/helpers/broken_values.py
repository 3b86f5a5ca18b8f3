"""What a broken file may hold, for hypothesis to choose from, and how a reader has to take it."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from s2iammask_core.errors import S2iamMaskError

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
        return read(path)
    except S2iamMaskError as error:
        said = str(error)
    assert path.name in said
    return None
