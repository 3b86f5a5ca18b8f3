import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import RequestError
from s2iammask_core.page.protocol import Answer, Shown, Start, Stop, Transport, Watch, parse

START = {"type": "start", "request": 3, "camera": "front", "stamp": "17", "box": [50, 40, 20, 10, 0.5]}


def test_a_start_names_picture_box_and_label():
    parsed = parse(json.dumps({**START, "label": "cup"}))

    assert parsed == Start(3, "front", 17, RotatedBox(50, 40, 20, 10, 0.5), "cup", "")


@pytest.mark.parametrize(
    ("message", "parsed"),
    [
        ({"type": "watch", "cameras": ["a", "b"], "width": 640}, Watch(("a", "b"), 640)),
        ({"type": "shown", "camera": "", "number": 9}, Shown("", 9)),
        ({"type": "stop", "request": 1, "camera": "", "ids": ["7"]}, Stop(1, "", ("7",))),
        ({"type": "stop", "request": 1, "camera": "", "ids": None}, Stop(1, "", None)),
        ({"type": "transport", "request": 2, "action": "seek", "frame": 5}, Transport(2, "seek", 5)),
    ],
)
def test_each_message_has_a_record(message, parsed):
    assert parse(json.dumps(message)) == parsed


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"type": "reboot"}, "type is one of"),
        ({"box": [1, 2, 3, 4]}, "box is"),
        ({"box": [1, 2, 0, 4, 0]}, "positive"),
        ({"box": [1, 2, 3, 4, None]}, "box is"),
        ({"box": [1, 2, 3, 4, True]}, "box is"),
        ({"box": [1e300, 2, 3, 4, 0]}, "box is"),
        ({"stamp": 17}, "stamp"),
        ({"stamp": "1.5"}, "stamp"),
        ({"stamp": "-1"}, "stamp"),
        ({"stamp": "9" * 30}, "stamp"),
        ({"camera": None}, "camera"),
        ({"label": "x" * 300}, "label"),
        ({"request": -1}, "request"),
        ({"request": 1.5}, "request"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(changed, reason):
    with pytest.raises(RequestError, match=reason):
        parse(json.dumps(START | changed))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "[" * 100_000, '{"type": []}'])
def test_what_is_no_message_is_refused(text):
    with pytest.raises(RequestError):
        parse(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(["watch", "shown", "start", "stop", "transport", "download"]), st.data())
def test_any_json_is_a_message_or_is_refused(kind, data):
    names = ["request", "camera", "cameras", "width", "number", "stamp", "box", "label", "id", "ids", "frame"]
    message = {name: data.draw(json_values) for name in names} | {"type": kind}

    with suppress(RequestError):
        parse(json.dumps(message))


def test_an_answer_carries_the_number_of_its_request():
    answer = json.loads(Answer(False, "no", late=True).text(12))

    assert answer == {
        "type": "answer", "request": 12, "ok": False, "message": "no", "ids": [], "file": "", "late": True,
    }  # fmt: skip
