"""Weights files: our own, the published ones in their wrappings, and broken ones."""

import json

import pytest
import torch
from safetensors.torch import save_file

from s2iammask_core.cli import main
from s2iammask_core.config import NetworkConfig
from s2iammask_core.errors import OutputError, WeightsError
from s2iammask_core.manifest import sha256, verify
from s2iammask_core.model import checkpoint
from s2iammask_core.model.names import OFFICIAL_NAMES
from s2iammask_core.model.network import build_network


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return build_network(NetworkConfig("siammask_box"))


def original_names(network):
    """The network's state under the names of the original code, its first kernel BGR."""
    state = {}
    for own, value in network.state_dict().items():
        theirs, prefix = next((t, p) for t, p in OFFICIAL_NAMES.items() if own.startswith(p))
        rest = own.removeprefix(prefix)
        state[theirs + (rest.replace("shortcut.", "downsample.") if prefix == "backbone." else rest)] = value
    first = "features.features.conv1.weight"
    return state | {first: state[first].flip(1)}


WRAPPINGS = {
    "bare": lambda state: state,
    "training snapshot": lambda state: {"epoch": 20, "arch": "Custom", "state_dict": state, "best_acc": 0.0},
    "data parallel": lambda state: {"state_dict": {f"module.{name}": value for name, value in state.items()}},
    "without counters": lambda state: {k: v for k, v in state.items() if "num_batches" not in k},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old format"])
def test_published_checkpoints_convert_in_every_wrapping(network, tmp_path, wrapping, zipped):
    path = tmp_path / "SiamMask.pth"
    torch.save(WRAPPINGS[wrapping](original_names(network)), path, _use_new_zipfile_serialization=zipped)

    code = main(["weights", "convert", str(path), "--variant", "siammask_box"])

    assert code == 0
    converted = checkpoint.load(path.with_suffix(".safetensors"))[0].state_dict()
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(converted[name], value, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("variant", ["siammask_box", "siammask_base", "siammask_sharp"])
def test_the_variant_of_a_checkpoint_is_seen_from_its_parts(variant):
    state = original_names(build_network(NetworkConfig(variant)))
    assert checkpoint.guess_variant(state) == variant


def test_unknown_names_are_listed(network):
    state = original_names(network) | {"decoder.weight": torch.zeros(1)}
    with pytest.raises(WeightsError, match=r"does not have: decoder\.weight"):
        checkpoint.convert_official(state, network.config)


def test_missing_and_misshapen_weights_are_listed(network):
    state = original_names(network)
    del state["rpn_model.cls.head.3.bias"]
    state["rpn_model.loc.head.3.bias"] = torch.zeros(7)

    with pytest.raises(
        WeightsError, match=r"box\.head\.3\.bias is \(7,\), not \(20,\).*missing score\.head\.3"
    ):
        checkpoint.convert_official(state, network.config)


def test_a_file_with_code_in_it_is_not_run(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"state_dict": {"a": print}}, path)
    with pytest.raises(WeightsError, match=r"evil\.pth"):
        checkpoint.read_official(path)


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04broken"])
def test_an_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"broken\.safetensors"):
        checkpoint.load(path)
    with pytest.raises(WeightsError, match=r"broken\.safetensors"):
        checkpoint.read_official(path)


def test_a_file_of_somebody_else_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({"x": torch.zeros(1)}, str(path))
    with pytest.raises(WeightsError, match="weights convert"):
        checkpoint.load(path)


def test_saved_weights_come_back_with_their_notes_and_settings(tmp_path):
    network = build_network(NetworkConfig("s2iammask", mask_head="g1", head_input="search"))

    checkpoint.save(network, tmp_path / "w.safetensors", {"confidence": "{}"})
    again, notes = checkpoint.load(tmp_path / "w.safetensors")

    assert again.config == network.config
    assert notes == {"confidence": "{}"}
    torch.testing.assert_close(again.neck[0].weight, network.neck[0].weight, rtol=1e-3, atol=1e-4)


def test_weights_that_cannot_be_written_are_named_and_notes_do_not_hide_what_a_file_is(network, tmp_path):
    (tmp_path / "nowhere").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*nowhere"):
        checkpoint.save(network, tmp_path / "nowhere" / "w.safetensors")

    checkpoint.save(network, tmp_path / "w.safetensors", {"format": "mine", "by": "me"})

    assert checkpoint.load(tmp_path / "w.safetensors")[1] == {"by": "me"}


@pytest.mark.parametrize("content", ["[]", "5"])
def test_a_manifest_that_is_no_table_is_named(network, tmp_path, content):
    checkpoint.save(network, tmp_path / "w.safetensors")
    (tmp_path / "manifest.json").write_text(content)

    with pytest.raises(WeightsError, match=r"cannot read the manifest .*manifest\.json"):
        verify(tmp_path / "w.safetensors")


def test_verify_compares_with_the_manifest(tmp_path, capsys):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"abc")
    (tmp_path / "manifest.json").write_text(json.dumps({"w.safetensors": sha256(path)}))

    assert main(["weights", "verify", str(path)]) == 0
    path.write_bytes(b"abd")
    assert main(["weights", "verify", str(path)]) == 2
    assert "fetch the file anew" in capsys.readouterr().err


@pytest.fixture
def drawn(tmp_path):
    """Writes a network with random weights of a seed; gives its file."""

    def save(seed, variant="s2iammask"):
        torch.manual_seed(seed)
        path = tmp_path / f"{variant}_{seed}.safetensors"
        checkpoint.save(build_network(NetworkConfig(variant)), path)
        return path

    return save


def test_files_of_one_kind_have_a_mean(drawn, tmp_path, capsys):
    files = [drawn(seed) for seed in (1, 2, 3)]
    out = tmp_path / "mean.safetensors"

    code = main(["weights", "average", str(out), *map(str, files)])

    assert code == 0
    assert sha256(out) in capsys.readouterr().out
    mean, *others = (checkpoint.load(each)[0].state_dict() for each in (out, *files))
    for name in ("backbone.conv1.weight", "neck.1.running_var", "score.head.0.weight"):
        expected = sum(other[name] for other in others) / 3
        torch.testing.assert_close(mean[name], expected, rtol=2e-3, atol=1e-5)


def test_files_of_different_networks_have_no_mean(drawn):
    with pytest.raises(WeightsError, match="siammask_box"):
        checkpoint.average([drawn(1), drawn(1, "siammask_box")])
    with pytest.raises(WeightsError, match="two files"):
        checkpoint.average([drawn(1)])


@pytest.mark.parametrize("content", [b"\x08\0\0\0\0\0\0\0{}", b"ftypisom" * 9])
def test_what_is_no_weights_says_what_to_do(tmp_path, content):
    (tmp_path / "own.safetensors").write_bytes(content)

    with pytest.raises(
        WeightsError, match=r"own\.safetensors: it is cut or damaged, or no weights; fetch it"
    ):
        checkpoint.load(tmp_path / "own.safetensors")


def test_a_file_from_before_there_were_first_masks_has_none(tmp_path):
    network = build_network(NetworkConfig(blocks=3, first_mask=False))
    described = json.loads(json.dumps(vars(network.config)))
    del described["first_mask"]
    tensors = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    notes = {"format": checkpoint.FORMAT, "network": json.dumps(described)}
    save_file(tensors, tmp_path / "old.safetensors", notes)

    loaded, _ = checkpoint.load(tmp_path / "old.safetensors")

    assert loaded.config == network.config
    assert loaded.first_pixels == 0
