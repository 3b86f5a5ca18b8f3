"""Pictures of tracks: masks, rotated boxes and labels drawn on a frame, and label images."""

import colorsys
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from s2iammask_core.boxes import Points
from s2iammask_core.geometry import HostFrame
from s2iammask_core.tracking.track import MaskRegion, Track, TrackState

Colour = tuple[int, int, int]  # RGB

GOLDEN_RATIO = 0.618034  # hues this far apart stay distinct however many there are
OPACITY = 0.45  # of a mask
GREY: Colour = (150, 150, 150)
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (15, 15, 15)
FONT = cv2.FONT_HERSHEY_SIMPLEX
FIXED_POINT = 4  # fractional bits of the coordinates that OpenCV draws at
DASH = 16.0  # pixels from one dash of an uncertain box to the next


def draw_tracks(
    frame: HostFrame, tracks: Sequence[Track], names: Mapping[int, str] | None = None
) -> HostFrame:
    """A copy of the frame (H, W, 3) RGB with all tracks on it; names replace ids in the labels."""
    picture = np.ascontiguousarray(frame).copy()
    for track in tracks:
        _draw_mask(picture, track.mask, colour_of(track.id))
    for track in tracks:
        _draw_box(picture, track)
    for track in tracks:
        _draw_label(picture, track, (names or {}).get(track.id, f"#{track.id}"))
    return picture


def colour_of(id_: int) -> Colour:
    """A bright colour, always the same for an id and far from its neighbours'."""
    red, green, blue = colorsys.hsv_to_rgb((0.91 + id_ * GOLDEN_RATIO) % 1, 0.8, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def label_image(tracks: Sequence[Track], frame_size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W): 0 for background, k for the k-th track; a disputed pixel goes to the more probable one."""
    labels = np.zeros(frame_size, np.uint8)
    draw_labels(labels, tracks)
    return labels


def draw_labels(labels: NDArray[np.uint8], tracks: Sequence[Track]) -> None:
    """The same into (H, W) zeros of somebody else's memory."""
    best = np.zeros(labels.shape if len(tracks) > 1 else (0, 0), np.float32)
    for number, track in enumerate(tracks[:255], start=1):
        place, wins, probability = _place(track.mask), track.mask.pixels, track.mask.probability
        if number > 1:
            wins = wins & (probability > best[place])
        later = wins.view(np.uint8) * np.uint8(number)  # more than any label that is there yet
        labels[place] = np.maximum(labels[place], later)
        if best.size:
            best[place] = np.maximum(best[place], probability * wins)


def id_image(tracks: Sequence[Track], frame_size: tuple[int, int]) -> NDArray[np.uint8]:
    """The same with the tracks' own ids, up to 255, instead of their places."""
    ids = np.array([0, *(track.id for track in tracks)], np.uint8)
    return np.asarray(ids[label_image(tracks, frame_size)])


def _place(mask: MaskRegion) -> tuple[slice, slice]:
    height, width = mask.pixels.shape
    return slice(mask.y, mask.y + height), slice(mask.x, mask.x + width)


def _draw_mask(picture: HostFrame, mask: MaskRegion, colour: Colour) -> None:
    if mask.pixels.size == 0:
        return
    part = picture[_place(mask)]
    tint = cv2.addWeighted(part, 1 - OPACITY, np.full_like(part, colour), OPACITY, 0)
    part[mask.pixels] = tint[mask.pixels]
    contours = cv2.findContours(mask.pixels.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[-2]
    offset = (mask.x, mask.y)
    cv2.drawContours(picture, contours, -1, colour, _thickness(picture), cv2.LINE_AA, offset=offset)


def _draw_box(picture: HostFrame, track: Track) -> None:
    """Solid while tracking, dashed while uncertain, dashed and grey where a lost target was last seen."""
    colour = GREY if track.state is TrackState.LOST else colour_of(track.id)
    corners, width = track.rotated_box.corners, _thickness(picture)
    lines = _edges(corners) if track.state is TrackState.TRACKING else _dashes(corners)
    for pen, line_colour in ((width + 2, BLACK), (width, colour)):
        cv2.polylines(picture, lines, False, line_colour, pen, cv2.LINE_AA, FIXED_POINT)


def _edges(corners: Points) -> list[NDArray[np.int32]]:
    return [_fixed(np.concatenate([corners, corners[:1]]))]


def _dashes(corners: Points) -> list[NDArray[np.int32]]:
    lines = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        count = max(round(float(np.hypot(*(end - start))) / DASH), 1)
        pairs = (np.arange(2 * count) / (2 * count)).reshape(count, 2, 1)
        lines += [_fixed(start + (end - start) * pair) for pair in pairs]
    return lines


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """Points (M, 2) as OpenCV's fixed-point pixel indices."""
    return np.asarray(((points - 0.5) * (1 << FIXED_POINT)).round(), np.int32)


def _draw_label(picture: HostFrame, track: Track, name: str) -> None:
    text = f"{name}  {track.state.value} {100 * track.confidence:.0f}%"
    colour = GREY if track.state is TrackState.LOST else colour_of(track.id)
    scale, pen = _scale(picture), 1 if _scale(picture) < 0.7 else 2
    (width, height), base = cv2.getTextSize(text, FONT, scale, pen)
    pad = round(10 * scale)
    left = _inside(track.box.x1, width + 2 * pad, picture.shape[1])
    bottom = _inside(track.box.y1 - pad - height - base - pad, height + base + pad, picture.shape[0])
    bottom += height + base + pad
    top = bottom - height - base - pad
    cv2.rectangle(picture, (left, top), (left + width + 2 * pad, bottom), colour, cv2.FILLED)
    ink = BLACK if _is_bright(colour) else WHITE
    place = (left + pad, bottom - base - pad // 2 + 1)
    cv2.putText(picture, text, place, FONT, scale, ink, pen, cv2.LINE_AA)


def _inside(start: float, length: int, limit: int) -> int:
    """Where a strip begins that should begin at start, but has to fit into [0, limit)."""
    return round(max(min(start, limit - length), 0))


def _is_bright(colour: Colour) -> bool:
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue > 130


def _scale(picture: HostFrame) -> float:
    """Size of the letters: readable at the frame's own size."""
    return float(min(max(picture.shape[0] / 900, 0.35), 1.4))


def _thickness(picture: HostFrame) -> int:
    return int(max(round(picture.shape[0] / 360), 1))
