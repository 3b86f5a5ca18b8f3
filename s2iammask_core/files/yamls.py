"""YAML: settings from files, and values from command lines."""

from pathlib import Path
from typing import Any

import yaml

from s2iammask_core.errors import ConfigError


def yaml_value(text: str | bytes, source: str) -> Any:
    """What a YAML text holds, or bytes in UTF-8 or UTF-16; ConfigError names the source."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # PyYAML raises what its constructors do: 2024-13-45 is no date, !!bool maybe no truth
        raise ConfigError(f"cannot read {source}: {error}") from error


def read_yaml(path: Path | str) -> dict[str, Any]:
    """The mapping in a YAML file; ConfigError if it cannot be read or is something else."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read settings from {path}: {error}") from error
    values = yaml_value(text, f"settings from {path}")
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold names and values, not {type(values).__name__}")
    return values
