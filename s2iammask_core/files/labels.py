"""Label pictures, in which a pixel's value is an object's id: read in any form, written as PNG.

Palette and grey pictures of 1, 8 or 16 bits hold ids, and so do colour pictures that are grey or in DAVIS's
colours. What could hand over other values than those that were saved is refused: lossy files, and depths that
are stretched or narrowed to 8 bits. The highest value, 255 or 65535, marks void: pixels that belong to
nothing known. Where it is the only value beside 0, a picture may as well be a mask of one object; its
`Scheme` says which is meant.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from s2iammask_core.errors import DatasetError
from s2iammask_core.files.outputs import write_bytes
from s2iammask_core.files.pictures import MARKED, encoded, keeps_values, opened, pages, turned

Ids = NDArray[np.uint16]  # (H, W) object ids, 0 is background
Mask = NDArray[np.bool_]  # (H, W)

VOID, DEEP_VOID = 255, 65535
EXACT = ("PNG", "TIFF", "BMP", "PPM", "GIF")  # formats that keep values
MARK = "s2iammask"  # in label pictures that were written here
LOSSY = ("jpeg", "webp")  # ways of compression inside of them that do not


class Scheme(Enum):
    """What the values of a sequence's label pictures mean."""

    IDS = "ids"
    ONE = "one"  # whatever is not 0 is object 1


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What a label picture says of each pixel."""

    ids: Ids  # (H, W)
    void: Mask  # (H, W): belongs to nothing known, and counts for nothing

    @property
    def marked(self) -> NDArray[np.uint8]:
        """(H, W): the ids, and VOID where it is void; DatasetError for ids that 8 bits cannot hold."""
        if self.ids.max(initial=0) >= VOID:
            raise DatasetError(f"object {self.ids.max()} is too many: ids are 1 to {VOID - 1}")
        return np.where(self.void, VOID, self.ids).astype(np.uint8)

    @property
    def objects(self) -> list[int]:
        """The ids that it shows, in rising order."""
        return [int(each) for each in np.unique(self.ids) if each]


def read_labels(path: Path, scheme: Scheme = Scheme.IDS) -> Labels:
    """The label picture; DatasetError if it is missing, cut, or no label picture."""
    values = _values(path, scheme)
    if scheme is Scheme.ONE:
        return Labels((values != 0).astype(np.uint16), np.zeros(values.shape, np.bool_))
    void = _is_void(values)
    return Labels(np.where(void, 0, values).astype(np.uint16), void)


def read_truth_labels(path: Path, scheme: Scheme) -> Labels:
    """The same of a picture in a sequence, whose first one tells the scheme.

    DatasetError also for white alone where there are ids, since it may be void or a mask.
    """
    labels = read_labels(path, scheme)
    if labels.void.any() and not labels.objects:
        raise DatasetError(
            f"{path} holds only 0 and {VOID}, but the first of its sequence has ids; save each id as "
            "its value"
        )
    return labels


def scheme_of(path: Path, objects: int | None = None) -> Scheme:
    """What a sequence's first label picture tells of the values of all.

    Args:
        objects: how many objects it shows, where that is known. If they are several and it holds only 0 and
            255, the objects cannot be told apart: DatasetError.
    """
    values = np.unique(_values(path, Scheme.IDS))
    white = [int(each) for each in values if each]
    if white not in ([VOID], [DEEP_VOID]):
        return Scheme.IDS
    if objects is not None and objects > 1:
        raise DatasetError(
            f"{path} holds only 0 and {white[0]}, which cannot tell {objects} objects apart; "
            "save the ids 1, 2, 3 and so on as values"
        )
    return Scheme.ONE


def check_size(pixels: NDArray[Any], path: Path, size: tuple[int, int], frame: object) -> None:
    """DatasetError unless what is read of a label picture (H, W) has the frame's width and height."""
    height, width = pixels.shape
    if (width, height) != size:
        raise DatasetError(f"{path} is {width}x{height}, but its frame {frame} is {size[0]}x{size[1]}")


def write_labels(path: Path, ids: NDArray[np.integer[Any]]) -> None:
    """A grey picture of ids (H, W) up to 255, which all programs read alike, and which says who wrote it."""
    write_bytes(path, encoded(Image.fromarray(_narrow(ids)), path.suffix, mark=MARK))


def is_own(path: Path) -> bool:
    """Whether it is a label picture that `write_labels` wrote: those of others are not ours to replace."""
    try:
        with opened(path) as image:
            return image.info.get(MARKED) == MARK
    except DatasetError:
        return False


def write_palette_labels(path: Path, ids: NDArray[np.integer[Any]]) -> None:
    """A palette picture in DAVIS's colours, as benchmarks want it."""
    image = Image.fromarray(_narrow(ids))
    image.putpalette(palette().ravel().tolist())
    write_bytes(path, encoded(image, path.suffix))


@lru_cache(maxsize=1)
def palette() -> NDArray[np.uint8]:
    """The colours (256, 3) of DAVIS and YouTube-VOS: the id's bits spread over red, green and blue."""
    ids = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for shift in range(8):
        for channel in range(3):
            colours[:, channel] |= ((ids >> (3 * shift + channel) & 1) << (7 - shift)).astype(np.uint8)
    return colours


def _narrow(ids: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    if ids.size and ids.max() > VOID:
        raise ValueError(f"object {ids.max()} does not fit into 8 bits")
    return np.ascontiguousarray(ids, np.uint8)


def _is_void(values: NDArray[Any]) -> Mask:
    """(H, W): the pixels of the highest value; of a deep picture 255, if its ids fit into 8 bits."""
    highest = values.max(initial=0)
    return np.asarray(values == (VOID if highest <= VOID else DEEP_VOID))


def _values(path: Path, scheme: Scheme) -> NDArray[Any]:
    """The values (H, W) as they are in the file; of colours what they stand for."""
    with opened(path) as file:
        _check_kept(file, path)
        image = turned(file)
        if image.mode in ("1", "L", "P", "I") or image.mode.startswith("I;16"):
            values = np.asarray(image)
            if values.min(initial=0) < 0 or values.max(initial=0) > DEEP_VOID:
                raise DatasetError(f"{path} has values that are no ids of 0 to {DEEP_VOID}")
            return values
        if image.mode in ("RGB", "RGBA", "LA", "PA"):
            pixels = np.asarray(image.convert("RGBA"))
            seen = np.where(pixels[..., 3:] > 0, pixels[..., :3], 0)  # what is transparent is background
            return seen.max(axis=-1) if scheme is Scheme.ONE else _from_colours(seen, path)
        raise DatasetError(f"{path} is no label picture: its pixels are {image.mode}")


def _check_kept(image: ImageFile.ImageFile, path: Path) -> None:
    """DatasetError unless this is one picture whose values are those that were saved."""
    packing = str(image.info.get("compression"))
    if image.format not in EXACT or packing in LOSSY:
        kind = f"{image.format} compressed as {packing}" if image.format in EXACT else image.format
        raise DatasetError(f"{path} is a {kind}, which may change values; save label pictures as PNG")
    if pages(image) > 1:
        raise DatasetError(f"{path} holds {pages(image)} pictures; a label picture is one")
    if not keeps_values(image):
        raise DatasetError(
            f"{path} has pixels of a depth of which programs make different values; save object ids as a "
            "palette or grey picture of 8 bits"
        )


def _from_colours(seen: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    """The ids (H, W) that colours (H, W, 3) stand for."""
    if (seen == seen[..., :1]).all():
        return np.ascontiguousarray(seen[..., 0])
    table = {tuple(colour): number for number, colour in enumerate(palette().tolist())}
    colours, places = np.unique(seen.reshape(-1, 3), axis=0, return_inverse=True)
    unknown = [colour for colour in colours.tolist() if tuple(colour) not in table]
    if unknown:
        raise DatasetError(
            f"{path} has colours such as {tuple(unknown[0])} that stand for no object; save object ids as a "
            "palette or grey picture"
        )
    numbers = np.array([table[tuple(colour)] for colour in colours.tolist()], np.uint8)
    return numbers[places.reshape(seen.shape[:2])]
