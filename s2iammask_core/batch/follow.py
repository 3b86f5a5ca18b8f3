"""Tracks the objects of a part through the frames of a recording."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np

from s2iammask_core.batch.moments import Found, Moment
from s2iammask_core.batch.plan import Part, Span
from s2iammask_core.batch.targets import target_of
from s2iammask_core.boxes import Box, RotatedBox
from s2iammask_core.errors import TargetError
from s2iammask_core.geometry import Frame
from s2iammask_core.tracking.track import Mask, MaskRegion, Track, TrackState
from s2iammask_core.tracking.tracker import Tracker


def follow(tracker: Tracker, part: Part, moments: Iterator[Moment]) -> Iterator[Found]:
    """The tracks of each frame, from the part's first start on; ids are the places of the spans in the part.

    The frame in which an object begins has a track too: what was given, with the mask that is found there.
    TargetError if a span's start is in no frame.
    """
    waiting = dict(enumerate(part.spans))
    for moment in moments:
        at = moment.at(part.stamped)
        if part.until is not None and at >= part.until:
            break
        stop(tracker, [id_ for id_ in tracker.ids if _ends(part.spans[id_], at)])
        tracks = tracker.track(moment.frame) if tracker.ids else []
        begun = due(waiting, at)
        if begun:
            tracks = [*tracks, *_begun(tracker, begun, moment)]
            for id_ in begun:
                del waiting[id_]
        if tracks:
            yield Found(moment, tracks)
    if waiting:
        raise TargetError(never_begun(next(iter(waiting.values()))))


def stop(tracker: Tracker, ids: Sequence[int]) -> None:
    """Forgets these targets, if there are any: what is remembered of the others is copied."""
    if ids:
        tracker.stop(ids)


def due(waiting: dict[int, Span], at: int) -> dict[int, Span]:
    """Those that begin here; a stamp between two frames means the later one. TargetError for a lost frame."""
    here = {id_: span for id_, span in waiting.items() if span.start.at <= at}
    for span in here.values():
        if span.start.at < at and not span.start.stamped:
            raise TargetError(f"frame {span.start.at}, in which an object begins, cannot be read")
    return here


def never_begun(span: Span) -> str:
    what = "the stamp" if span.start.stamped else "frame"
    return f"{what} {span.start.at}, where object {span.start.id} begins, lies behind the recording's end"


def _ends(span: Span, at: int) -> bool:
    return span.until is not None and at >= span.until


def _begun(tracker: Tracker, begun: dict[int, Span], moment: Moment) -> list[Track]:
    targets = {id_: target_of(span.start, moment.size) for id_, span in begun.items()}
    tracker.start(moment.frame, list(targets.values()), list(targets))
    return first_tracks(tracker, targets, moment.frame)


def first_tracks(tracker: Tracker, targets: Mapping[int, Box | Mask], frame: Frame) -> list[Track]:
    """The tracks of the frame in which targets have begun, by id: what was given, and for boxes the masks in
    them.
    """
    first = tracker.twin()  # the tracker itself sees each frame once
    stop(first, [id_ for id_ in first.ids if id_ not in targets])
    return [_given(track, targets[track.id]) for track in first.track(frame)]


def _given(track: Track, target: Box | Mask) -> Track:
    sure = replace(track, state=TrackState.TRACKING, confidence=1.0)
    if isinstance(target, Box):
        return replace(sure, box=target, rotated_box=RotatedBox.from_box(target))
    x, y, width, height = cv2.boundingRect(target.view(np.uint8))
    pixels = target[y : y + height, x : x + width]
    outline = Box.from_xywh(x, y, width, height)
    mask = MaskRegion(x, y, pixels, pixels.astype(np.float32))
    return replace(sure, box=outline, rotated_box=RotatedBox.from_box(outline), mask=mask)
