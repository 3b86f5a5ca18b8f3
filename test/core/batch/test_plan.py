"""What has to be tracked together, and what is known already."""

from s2iammask_core.batch.jobs import Job, Start
from s2iammask_core.batch.plan import parts_of, spans_of
from s2iammask_core.boxes import Box

BOX = Box(1, 2, 30, 40)


def start(at, id_, box=BOX, **more):
    return Start(at, id_, box=box, **more)


def spans(*starts, settings=None, digest="d", topic=""):
    return spans_of(Job("a.mp4", topic, "a", starts), {"a.mp4": digest}, settings or {})


def spaces(found):
    return [(span.start.id, span.start.at, span.until) for span in found]


def test_a_span_goes_from_one_start_of_an_object_to_its_next():
    found = spans(start(0, 1), start(50, 1), start(20, 2), Start(70, 2))

    assert spaces(found) == [(1, 0, 50), (2, 20, 70), (1, 50, None)]


def test_what_the_tracker_does_not_see_is_no_other_work():
    one, two = spans(start(0, 1)), spans(start(0, 7, label="cup"), start(9, 7))

    assert one[0].key == two[0].key


def test_what_the_tracker_sees_is_other_work():
    keys = {
        spans(*given, **more)[0].key
        for given, more in [
            ([start(0, 1)], {}),
            ([start(1, 1)], {}),
            ([start(0, 1, Box(1, 2, 30, 41))], {}),
            ([start(0, 1, percent=True)], {}),
            ([start(0, 1, stamped=True)], {}),
            ([start(0, 1)], {"digest": "e"}),
            ([start(0, 1)], {"topic": "/camera"}),
            ([start(0, 1)], {"settings": {"penalty_k": 0.1}}),
        ]
    }

    assert len(keys) == 8


def parts(*starts, least=1):
    return [[span.start.at for span in part.spans] for part in parts_of(spans(*starts), least)]


def test_a_part_begins_where_all_objects_begin_anew():
    assert parts(start(0, 1), start(50, 1), start(90, 1)) == [[0], [50], [90]]


def test_no_object_is_cut():
    assert parts(start(0, 1), start(0, 2), start(50, 1)) == [[0, 0, 50]]


def test_an_object_that_is_gone_is_no_hindrance():
    assert parts(start(0, 1), start(0, 2), Start(40, 2), start(50, 1)) == [[0, 0], [50]]


def test_short_parts_stay_together():
    assert parts(start(0, 1), start(50, 1), start(90, 1), least=60) == [[0, 50], [90]]


def test_stamps_do_not_tell_how_long_a_part_is():
    assert parts(start(0, 1, stamped=True), start(10**9, 1, stamped=True)) == [[0, 10**9]]
