"""Tracks as they are kept."""

import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from s2iammask_core.batch.jobs import Start
from s2iammask_core.batch.moments import Found, Moment
from s2iammask_core.batch.pending import Pending
from s2iammask_core.batch.plan import Span
from s2iammask_core.batch.rows import TrackRow, packed, packed_region
from s2iammask_core.batch.store import Store
from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.errors import ResultsError
from s2iammask_core.tracking.regions import NO_MASK
from s2iammask_core.tracking.track import MaskRegion, Track, TrackState


def span(until=None, at=0):
    return Span(Start(at, 1, box=Box(1, 2, 3, 4)), until, "ab" * 32)


def row(number):
    box = Box(1.1, 2.2, 3.3, 4.4)
    track = Track(0, TrackState.UNCERTAIN, 0.1, 0.2, 0.3, box, RotatedBox(1, 2, 3, 4, 0.5), NO_MASK, 0.7)
    return TrackRow(number, None, "", (6, 8), track, packed(mask()))


def mask():
    pixels = np.zeros((6, 8), np.bool_)
    pixels[2:4, 3:7] = True
    return pixels


def write(store, kept, count):
    with store.writers([kept]) as files:
        for number in range(count):
            files[0].write(row(number).text())


def test_what_is_kept_comes_back_exactly(tmp_path):
    store = Store(tmp_path)
    write(store, span(), 3)

    back = list(store.rows(span()))

    assert [each.frame for each in back] == [0, 1, 2]
    assert back[0].track.box == Box(1.1, 2.2, 3.3, 4.4)
    assert (back[0].track.state, back[0].track.fit) == (TrackState.UNCERTAIN, 0.7)
    assert back[0].track.similarity == -1.0
    assert np.array_equal(back[0].mask, mask())
    assert back[0].area == 8
    assert np.array_equal(back[0].whole.mask.full(6, 8), mask())


def test_the_run_lengths_of_a_region_are_those_of_its_mask():
    pixels = mask()[2:4, 1:7]
    region = MaskRegion(1, 2, pixels, pixels.astype(np.float32))

    assert packed_region(region, (6, 8)) == packed(mask())
    assert packed_region(NO_MASK, (6, 8)) == ""


def found(number, *regions, size=(6, 8)):
    moment = Moment(number, None, np.zeros((*size, 3), np.uint8))
    return Found(moment, [replace(row(number).track, id=id_, mask=each) for id_, each in enumerate(regions)])


def test_tracks_wait_for_each_other_and_are_written_in_their_order():
    files = {0: StringIO(), 1: StringIO()}
    pending = Pending(files)

    for number in range(3):
        pending.add(found(number, NO_MASK, NO_MASK))
    waited = files[0].getvalue()
    pending.write()

    assert waited == ""
    for id_ in (0, 1):
        rows = [json.loads(line) for line in files[id_].getvalue().splitlines()]
        assert [(each["frame"], each["id"]) for each in rows] == [(0, id_), (1, id_), (2, id_)]


def test_large_masks_do_not_wait():
    files = {0: StringIO()}
    pixels = np.ones((2000, 2000), np.bool_)

    Pending(files).add(found(0, MaskRegion(0, 0, pixels, pixels.astype(np.float32)), size=pixels.shape))

    assert TrackRow.of(json.loads(files[0].getvalue())).area == pixels.size


def test_a_shorter_span_is_known_with_a_longer_one(tmp_path):
    store = Store(tmp_path)
    write(store, span(until=5), 5)

    assert store.holds(span(until=3))
    assert [each.frame for each in store.rows(span(until=3))] == [0, 1, 2]
    assert not store.holds(span(until=6))
    assert not store.holds(span())


def test_recordings_of_the_same_content_may_be_tracked_at_the_same_time(tmp_path):
    store = Store(tmp_path)

    with store.writers([span()]) as one, store.writers([span()]) as other:
        for files in (one, other):
            files[0].write(row(0).text())

    assert len(list(store.rows(span()))) == 1


def test_what_was_stopped_is_not_kept(tmp_path):
    store = Store(tmp_path)

    with pytest.raises(KeyError), store.writers([span()]) as files:
        files[1].write(row(0).text())

    assert not store.holds(span())
    with pytest.raises(ResultsError, match="are gone; run it again"):
        list(store.rows(span()))


def test_what_killed_processes_left_goes(tmp_path):
    store = Store(tmp_path)
    write(store, span(), 1)
    left = tmp_path / "ab/.made-1.part"
    left.touch()

    store.tidy()

    assert not left.exists()
    assert store.holds(span())
