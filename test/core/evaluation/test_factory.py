import pytest

from s2iammask_core.errors import WeightsError
from s2iammask_core.evaluation.factory import WeightsFactory


def exported(folder, weights):
    folder.mkdir()
    (folder / "search.onnx").write_bytes(weights)
    (folder / "network.json").write_text("{}")
    return str(folder)


def test_an_exported_folder_is_known_by_what_is_in_it(tmp_path):
    first = exported(tmp_path / "first", b"1")
    same = exported(tmp_path / "same", b"1")
    other = exported(tmp_path / "other", b"2")

    known = [WeightsFactory(folder).describe()["weights"] for folder in (first, same, other)]

    assert known[0] == known[1] != known[2]


def test_copied_weights_are_known_by_the_file_they_were_made_of(tmp_path):
    (tmp_path / "source").write_bytes(b"source")
    (tmp_path / "copy").write_bytes(b"copy")

    copied = WeightsFactory(str(tmp_path / "copy"), source=str(tmp_path / "source"))

    assert copied.describe() == WeightsFactory(str(tmp_path / "source")).describe()


def test_weights_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(WeightsError, match="missing"):
        WeightsFactory(str(tmp_path / "missing")).describe()
