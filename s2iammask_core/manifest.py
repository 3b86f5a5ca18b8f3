"""The manifest beside weights files, which says what each of them must be."""

import hashlib
import json
from pathlib import Path

from s2iammask_core.errors import WeightsError

MANIFEST = "manifest.json"  # beside the weights: {"file name": "sha256"}


def sha256(path: Path | str) -> str:
    """The file's digest, in hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_named(path: Path) -> bool:
    """Whether the manifest beside a file names it; WeightsError if there is one that cannot be read."""
    listing = path.parent / MANIFEST
    if not listing.is_file():
        return False
    try:
        return path.name in json.loads(listing.read_text())
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"cannot read the manifest {listing}: {error}") from error


def verify(path: Path | str, manifest: Path | str | None = None) -> str:
    """The digest of a weights file, if the manifest (by default the one beside it) names just this; else
    WeightsError.
    """
    path = Path(path)
    listing = Path(manifest) if manifest else path.parent / MANIFEST
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}")
    try:
        wanted = json.loads(listing.read_text())[path.name]
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"cannot read the manifest {listing}: {error}") from error
    except KeyError as error:
        raise WeightsError(f"{listing} does not name {path.name}") from error
    found = sha256(path)
    if found != wanted:
        raise WeightsError(f"{path} has sha256 {found}, but {listing} says {wanted}: fetch the file anew")
    return found
