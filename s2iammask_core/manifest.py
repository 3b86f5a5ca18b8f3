"""The manifest beside weights files, which says what each of them must be."""

import hashlib
import json
from collections.abc import Iterable
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


def write(folder: Path, names: Iterable[str]) -> None:
    """Writes the manifest of files in a folder; what it says of others stays."""
    listing = folder / MANIFEST
    known = _read(listing) if listing.is_file() else {}
    known |= {name: sha256(folder / name) for name in names}
    listing.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")


def is_named(path: Path) -> bool:
    """Whether the manifest beside a file names it; WeightsError if there is one that cannot be read."""
    listing = path.parent / MANIFEST
    return listing.is_file() and path.name in _read(listing)


def verify(path: Path | str, manifest: Path | str | None = None) -> str:
    """The digest of a weights file, if the manifest (by default the one beside it) names just this; else
    WeightsError.
    """
    path = Path(path)
    listing = Path(manifest) if manifest else path.parent / MANIFEST
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}")
    known = _read(listing)
    if path.name not in known:
        raise WeightsError(f"{listing} does not name {path.name}")
    found, wanted = sha256(path), known[path.name]
    if found != wanted:
        raise WeightsError(f"{path} has sha256 {found}, but {listing} says {wanted}: fetch the file anew")
    return found


def _read(listing: Path) -> dict[str, str]:
    try:
        known = json.loads(listing.read_text())
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot read the manifest {listing}: {error}") from error
    if not isinstance(known, dict):
        raise WeightsError(f"cannot read the manifest {listing}: it must hold file names and digests")
    return known
