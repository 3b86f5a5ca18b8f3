"""Picture files as frames: turned as their EXIF orientation says, 8 bits deep."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from s2iammask_core.errors import DatasetError, OutputError
from s2iammask_core.files.outputs import write_bytes
from s2iammask_core.geometry import HostFrame

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM", "GIF")  # no others: some start programs
STACKS = ("TIFF", "GIF", "WEBP", "PNG")  # of which one file may hold many frames
MARKED = "Software"  # the name of that text in a PNG
ORIENTATION = 0x0112  # the EXIF tag
SIDEWAYS = (5, 6, 7, 8)  # orientations that exchange width and height


def read_picture(path: Path) -> HostFrame:
    """A picture as a frame (H, W, 3) RGB; DatasetError if the file is missing, cut or broken."""
    with opened(path) as image:
        if pages(image) > 1:
            raise DatasetError(f"{path} holds {pages(image)} pictures; give the file itself as the video")
        return upright(image, path)


def write_picture(path: Path, picture: NDArray[np.uint8], quality: int = 95) -> None:
    """Writes a frame (H, W, 3) RGB or a label image (H, W) as what its suffix says; OutputError if it cannot.

    quality: of a JPEG, 1 to 100.
    """
    write_bytes(path, encoded(Image.fromarray(picture), path.suffix, quality))


def encoded(image: Image.Image, suffix: str, quality: int = 95, mark: str = "") -> bytes:
    """The content of a picture file; mark: what a PNG says of the program that wrote it."""
    kind = Image.registered_extensions().get(suffix.lower())
    if kind not in FORMATS:
        raise OutputError(f"cannot write a picture that ends in {suffix or 'nothing'}; use .png or .jpg")
    file = BytesIO()
    said = PngInfo()
    if mark:
        said.add_text(MARKED, mark)
    image.save(file, kind, quality=quality, pnginfo=said)
    return file.getvalue()


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height, as `read_picture` gives them, from the file's head."""
    with opened(path) as image:
        width, height = image.size
        return (height, width) if orientation(image) in SIDEWAYS else (width, height)


@contextmanager
def opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """The picture, not decoded yet; what goes wrong in the block is a DatasetError that names the file."""
    try:
        with path.open("rb") as file, Image.open(_seekable(file), formats=FORMATS) as image:
            yield image
    except DatasetError:
        raise
    except FileNotFoundError as error:
        raise DatasetError(f"there is no picture {path}") from error
    except UnidentifiedImageError as error:
        raise DatasetError(f"cannot read the picture {path}: it is none, or its head is damaged") from error
    except Exception as error:  # Pillow raises whatever the broken byte leads to
        raise DatasetError(f"cannot read the picture {path}; is it cut or damaged? {error}") from error


def _seekable(file: BinaryIO) -> BinaryIO:
    """A pipe can be read once only."""
    return file if file.seekable() else BytesIO(file.read())


def pages(image: Image.Image) -> int:
    """How many frames the file holds; the second picture that some cameras add to a JPEG is none."""
    return getattr(image, "n_frames", 1) if image.format in STACKS else 1


def orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except (ValueError, TypeError, SyntaxError, LookupError):  # EXIF that nobody can read says nothing
        return 1


def keeps_values(image: ImageFile.ImageFile) -> bool:
    """Whether the values of a picture that is not decoded yet will be those of its file, not stretched,
    turned over or narrowed to 8 bits.
    """
    return all(_keeps_values(image.mode, codec, given) for codec, _, _, given in image.tile)


def _keeps_values(mode: str, codec: str, given: Any) -> bool:
    """given: what the decoder is told, with first the layout of the pixels in the file."""
    parts = given if isinstance(given, tuple) else (given,)
    raw = str(parts[0])
    if codec.startswith("ppm") and parts[-1] not in (raw, 255, 65535):  # the greatest value of the file
        return False
    narrowed = ";16" in raw and not mode.startswith("I")
    return not narrowed and not raw.startswith(("L;2", "L;4", "L;I", "1;I"))


def turned(image: Image.Image) -> Image.Image:
    """The present page as its EXIF orientation says."""
    return image if orientation(image) == 1 else ImageOps.exif_transpose(image)


def upright(image: Image.Image, path: Path) -> HostFrame:
    """The present page (H, W, 3) RGB; of 16 bits the upper 8."""
    page = turned(image)
    if page.mode.startswith(("I", "F")):
        return _from_deep(np.array(page), path)
    return np.array(page if page.mode == "RGB" else page.convert("RGB"))


def _from_deep(values: NDArray[Any], path: Path) -> HostFrame:
    """From grey values (H, W)."""
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise DatasetError(f"{path} has values of {values.dtype}, not of 8 or 16 bits; convert it")
    narrow = ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return np.repeat(narrow[..., None], 3, axis=2)
