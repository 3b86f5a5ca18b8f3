"""What the page may ask for: JSON texts on its WebSocket, checked here and nowhere else."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from s2iammask_core.boxes import RotatedBox
from s2iammask_core.errors import RequestError

VERSION = 1
LONGEST_MESSAGE = 16 * 1024  # bytes
LONGEST_NAME = 256  # characters of an id, a label or a camera's name
MOST_NAMES = 256  # in one message
FARTHEST = 1e6  # pixels
ACTIONS = ("play", "track", "pause", "step", "seek")
DOWNLOADS = ("overlay", "masks", "boxes")


@dataclass(frozen=True, slots=True)
class Watch:
    """Which cameras a viewer sees, and how many pixels wide."""

    cameras: tuple[str, ...]
    width: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture has reached the eye; the next may come."""

    camera: str
    number: int


@dataclass(frozen=True, slots=True)
class Start:
    """Follow what this box holds in the picture with this stamp; an id corrects the target of that id."""

    request: int
    camera: str
    stamp: int
    box: RotatedBox
    label: str
    id: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop these targets; None: all of them."""

    request: int
    camera: str
    ids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Transport:
    """Move through a clip; the frame counts for seek only."""

    request: int
    action: str
    frame: int


@dataclass(frozen=True, slots=True)
class Download:
    """Make a file of a clip's result."""

    request: int
    what: str


Ask: TypeAlias = Start | Stop | Transport | Download  # what is answered
Message: TypeAlias = Watch | Shown | Ask


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request."""

    ok: bool
    message: str = ""  # for people
    ids: tuple[str, ...] = ()  # of the targets that it concerned
    file: str = ""  # what can be downloaded now, a name below /files/
    late: bool = False  # the picture of a start is no longer kept

    def text(self, request: int) -> str:
        return json.dumps({"type": "answer", "request": request, **asdict(self)})


def parse(text: str) -> Message:
    """The message in a text; RequestError for anything else."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError("a message is a JSON text") from error
    if not isinstance(message, dict):
        raise RequestError("a message is a JSON object")
    make = _MAKERS.get(str(message.get("type")))
    if make is None:
        raise RequestError(f"type is one of {', '.join(_MAKERS)}")
    return make(_Fields(message))


@dataclass(frozen=True, slots=True)
class _Fields:
    """Reads the fields of a message; RequestError names the one that is wrong."""

    message: Mapping[str, Any] = field(repr=False)

    def text(self, name: str, usual: str | None = None) -> str:
        value = self.message.get(name, usual)
        if not isinstance(value, str) or len(value) > LONGEST_NAME:
            raise RequestError(f"{name} is a text of at most {LONGEST_NAME} characters")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.message.get(name)
        if not isinstance(values, list) or len(values) > MOST_NAMES:
            raise RequestError(f"{name} is a list of at most {MOST_NAMES} texts")
        return tuple(_Fields({name: value}).text(name) for value in values)

    def whole(self, name: str, low: int, high: int, usual: int | None = None) -> int:
        value = self.message.get(name, usual)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise RequestError(f"{name} is a whole number from {low} to {high}")
        return value

    def stamp(self) -> int:
        """A text, since JavaScript's numbers cannot hold nanoseconds since 1970."""
        text = self.text("stamp")
        if not (text.isascii() and text.isdigit() and len(text) <= 20):
            raise RequestError("stamp is that of a picture, in digits")
        return int(text)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self.message.get(name)
        if value not in choices:
            raise RequestError(f"{name} is one of {', '.join(choices)}")
        return str(value)

    def box(self) -> RotatedBox:
        value = self.message.get("box")
        numbers = value if isinstance(value, list) else []
        if len(numbers) != 5 or not all(_is_number(each) for each in numbers):
            raise RequestError("box is [center x, center y, width, height, theta]")
        cx, cy, width, height, theta = map(float, numbers)
        if min(width, height) <= 0:
            raise RequestError("width and height of a box are positive")
        return RotatedBox(cx, cy, width, height, theta)

    @property
    def request(self) -> int:
        return self.whole("request", 0, 2**53)


def _is_number(value: object) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) <= FARTHEST and math.isfinite(value)


def _watch(fields: _Fields) -> Watch:
    return Watch(fields.texts("cameras"), fields.whole("width", 64, 8192))


def _shown(fields: _Fields) -> Shown:
    return Shown(fields.text("camera"), fields.whole("number", 0, 2**53))


def _start(fields: _Fields) -> Start:
    words = fields.text("label", ""), fields.text("id", "")
    return Start(fields.request, fields.text("camera"), fields.stamp(), fields.box(), *words)


def _stop(fields: _Fields) -> Stop:
    ids = None if fields.message.get("ids") is None else fields.texts("ids")
    return Stop(fields.request, fields.text("camera"), ids)


def _transport(fields: _Fields) -> Transport:
    frame = fields.whole("frame", 0, 2**53, usual=0)
    return Transport(fields.request, fields.choice("action", ACTIONS), frame)


def _download(fields: _Fields) -> Download:
    return Download(fields.request, fields.choice("what", DOWNLOADS))


_MAKERS: dict[str, Callable[[_Fields], Message]] = {
    "watch": _watch,
    "shown": _shown,
    "start": _start,
    "stop": _stop,
    "transport": _transport,
    "download": _download,
}
