"""The rows of an ablation."""

from pathlib import Path

import pytest

from s2iammask_core.cli.ablate import read_rows
from s2iammask_core.errors import ConfigError

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "ablation.yaml"


def test_the_shipped_rows_can_be_read():
    rows = read_rows(SHIPPED)
    assert {row.name for row in rows} >= {"K 1", "K 10 (default)", "without temporal term"}


@pytest.mark.parametrize("text", ["a: {set: {proposal: 1}}", "a: {sets: {}}", "a: 3"])
def test_a_wrong_row_is_refused(tmp_path, text):
    path = tmp_path / "rows.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"proposal|takes"):
        read_rows(path)
