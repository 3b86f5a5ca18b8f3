import json

import numpy as np
import pytest
import torch

from s2iammask_core import Box, load_tracker
from s2iammask_core.cli import main
from s2iammask_core.config import RuntimeConfig
from s2iammask_core.errors import UnavailableError, WeightsError
from s2iammask_core.model import checkpoint
from s2iammask_core.model.correlation import correlation_by_taps, depthwise_correlation
from s2iammask_core.runtime.export import export, write_onnx, write_torch_export
from s2iammask_core.runtime.onnx_network import OnnxNetwork, is_exported, providers_of

OTHERS = ("siammask_box", "siammask_base", "siammask_sharp")


def relative(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("padding", [0, 3])
def test_the_correlation_of_exported_graphs_is_the_same(padding):
    search, kernels = torch.randn(3, 8, 12, 12), torch.randn(3, 8, 5, 5)

    found = correlation_by_taps(search, kernels, padding)

    torch.testing.assert_close(found, depthwise_correlation(search, kernels, padding), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "variant", ["s2iammask", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
)
def test_onnxruntime_computes_what_pytorch_does_for_any_number_of_targets(
    random_network, patches, rois, outputs, tmp_path, variant
):
    pytest.importorskip("onnxruntime")
    export(random_network(variant), tmp_path, write_onnx, {})

    found = outputs(OnnxNetwork(tmp_path, RuntimeConfig(device="cpu")), patches, rois)

    wanted = outputs(random_network(variant), patches, rois)
    assert found.keys() == wanted.keys()
    assert all(relative(found[name], wanted[name]) < 1e-4 for name in wanted)


@pytest.mark.slow
def test_graphs_of_torch_export_compute_what_pytorch_does(random_network, patches, rois, outputs, tmp_path):
    export(random_network(), tmp_path, write_torch_export, {})
    parts = {
        name: torch.export.load(tmp_path / f"{name}.pt2").module() for name in ("template", "search", "masks")
    }

    kernels = parts["template"](patches[0])
    scores, deltas, *features = parts["search"](kernels, patches[1])
    masks = parts["masks"](rois.contiguous(), *features)

    wanted = outputs(random_network(), patches, rois)
    found = {"kernels": kernels, "scores": scores, "deltas": deltas, "masks": masks}
    assert all(relative(found[name].detach(), wanted[name]) < 1e-4 for name in wanted)


@pytest.fixture
def weights(random_network, tmp_path):
    path = tmp_path / "random.safetensors"
    checkpoint.save(random_network(), path, {"confidence": '{"bias": -3, "score": 4, "agreement": 2}'})
    return path


def test_a_tracker_of_an_exported_folder_tracks_as_one_of_the_weights(weights, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "exported"
    assert main(["export", str(folder), "--weights", str(weights), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["variant"] == "s2iammask"
    frames = np.random.default_rng(2).integers(0, 255, (2, 120, 160, 3), np.uint8)

    tracks = []
    for source in (folder, folder / "search.onnx", weights):
        tracker = load_tracker(source, device="cpu", runtime=RuntimeConfig(precision="fp32"))
        tracker.start(frames[0], [Box(50, 40, 90, 80)])
        tracks += tracker.track(frames[1])

    for found in tracks[:2]:
        assert found.score == pytest.approx(tracks[2].score, abs=1e-4)
        assert found.confidence == pytest.approx(tracks[2].confidence, abs=1e-2)
        assert found.mask.pixels.shape == tracks[2].mask.pixels.shape


def test_other_files_are_not_taken_for_exported_ones(weights, tmp_path):
    assert not is_exported(weights)
    assert not is_exported(tmp_path)


def test_a_folder_without_its_description_or_a_graph_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="s2iammask export"):
        OnnxNetwork(tmp_path)

    (tmp_path / "network.json").write_text('{"variant": "siammask_box", "mask_source": "none", "notes": {}}')
    pytest.importorskip("onnxruntime")
    with pytest.raises(WeightsError, match=r"template\.onnx"):
        OnnxNetwork(tmp_path)


def test_a_gpu_that_onnxruntime_lacks_is_named():
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")

    with pytest.raises(UnavailableError, match="onnxruntime-gpu"):
        providers_of("cuda:0")
    assert providers_of("auto") == ["CPUExecutionProvider"]


def test_without_tensorrt_the_command_says_so(weights, tmp_path, capsys):
    try:
        import tensorrt  # noqa: F401
    except ImportError:
        assert main(["export", str(tmp_path), "--weights", str(weights), "--format", "tensorrt"]) == 2
        assert "TensorRT is not installed" in capsys.readouterr().err
