import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from s2iammask_core import Box, load_tracker
from s2iammask_core.cli import main
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.errors import ConfigError, UnavailableError, WeightsError
from s2iammask_core.model import checkpoint
from s2iammask_core.model.correlation import correlation_by_taps, depthwise_correlation
from s2iammask_core.runtime.export import AIM, ONNX, TORCH_EXPORT, Subject, export
from s2iammask_core.runtime.exported import Exported, is_exported
from s2iammask_core.tracking.aim import COLUMNS, NUMBERS
from s2iammask_core.tracking.answer import answers
from s2iammask_core.tracking.eager import EagerRunner
from s2iammask_core.tracking.runner import Search
from s2iammask_core.tracking.s2iammask import S2iamMaskMethod
from s2iammask_core.tracking.settings import FIXED, LIVE, StepSettings
from s2iammask_core.tracking.step import as_input, step
from s2iammask_core.tracking.target import Target
from s2iammask_core.tracking.windows import aim_at

CONFIG = TrackerConfig(mask_regions=0)  # without a choice of regions, which the last digit may turn
GREY = (120.0, 120.0, 120.0)


@pytest.mark.parametrize("padding", [0, 3])
def test_the_correlation_of_exported_graphs_is_the_same(padding):
    search, kernels = torch.randn(3, 8, 12, 12), torch.randn(3, 8, 5, 5)

    found = correlation_by_taps(search, kernels, padding)

    torch.testing.assert_close(found, depthwise_correlation(search, kernels, padding), rtol=1e-4, atol=1e-4)


def search(runner, frame, count, config):
    """What a runner says about windows around objects of a frame, which it made the templates of as well."""
    targets = tuple(
        Target(k, 70 + 50 * k, 60 + 30 * k, 60, 40, Box.from_center(70 + 50 * k, 60 + 30 * k, 60, 40), GREY)
        for k in range(count)
    )
    kernels = S2iamMaskMethod(runner).templates(frame, targets, config)
    return runner.run(config, [Search(frame, kernels, aim_at(targets, config))])


def assert_same(found, wanted):
    """The same proposals; a pixel on the brink of a threshold may fall on either side of it."""
    for one, other in zip(found, wanted, strict=True):
        assert (one.best, one.voters) == (other.best, other.voters)
        assert one.box == pytest.approx(other.box, abs=0.01)
        figures = (other.score, other.rate, other.agreement)
        assert (one.score, one.rate, one.agreement) == pytest.approx(figures, abs=1e-3)
        for map_, right in ((one.levels, other.levels), (one.reach, other.reach)):
            assert map_.shape == right.shape
            assert np.count_nonzero(map_ != right) <= 0.001 * right.size


@pytest.fixture
def frame():
    return np.random.default_rng(2).integers(0, 255, (200, 260, 3), np.uint8)


@pytest.fixture(scope="module")
def exported(calm_network, tmp_path_factory):
    """A folder with the graphs of an S2iamMask network."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("exported")
    export(Subject(calm_network(), {}), folder, ONNX, CONFIG)
    return folder


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_each_engine_answers_as_pytorch_for_any_number_of_targets(
    calm_network, frame, exported, graphs, engine
):
    found, eager = graphs(exported, engine), EagerRunner(calm_network())

    for count in (1, 2, 3):
        assert_same(search(found, frame, count, CONFIG), search(eager, frame, count, CONFIG))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["siammask_box", "siammask_base", "siammask_sharp"])
def test_other_networks_are_exported_as_well(calm_network, frame, graphs, tmp_path, variant):
    pytest.importorskip("onnxruntime")
    export(Subject(calm_network(variant), {}), tmp_path, ONNX, CONFIG)

    found = search(graphs(tmp_path, "onnxruntime"), frame, 2, CONFIG)

    assert_same(found, search(EagerRunner(calm_network(variant)), frame, 2, CONFIG))


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_settings_that_change_while_tracking_change_an_exported_step_alike(
    calm_network, frame, exported, graphs, engine
):
    found_by, eager = graphs(exported, engine), EagerRunner(calm_network())
    values = {"penalty_k": 0.5, "roi_scale": 1.1, "mask_threshold": 0.6, "reach_threshold": 0.6}

    (usual,) = search(found_by, frame, 1, CONFIG)
    for name in LIVE:
        changed = replace(CONFIG, **{name: values.get(name, 0.2)})
        (found,), (wanted,) = (search(runner, frame, 1, changed) for runner in (found_by, eager))
        assert_same([found], [wanted])
        assert not same(found, usual), name


def same(one, other):
    figures = [(each.box, each.score, each.rate, each.agreement) for each in (one, other)]
    maps = np.array_equal(one.levels, other.levels) and np.array_equal(one.reach, other.reach)
    return figures[0] == figures[1] and maps


@pytest.mark.slow
def test_proposals_without_near_ones_are_exported_as_well(calm_network, frame, graphs, tmp_path):
    pytest.importorskip("onnxruntime")
    config = replace(CONFIG, proposal_nms=0.7, proposals=4)
    export(Subject(calm_network(), {}), tmp_path, ONNX, config)

    found = search(graphs(tmp_path, "onnxruntime"), frame, 2, config)

    assert_same(found, search(EagerRunner(calm_network()), frame, 2, config))


@pytest.mark.slow
def test_graphs_of_torch_export_answer_as_pytorch_does(calm_network, patches, tmp_path):
    export(Subject(calm_network(), {}), tmp_path, TORCH_EXPORT, CONFIG)
    template, whole = (
        torch.export.load(tmp_path / f"{name}.pt2").module() for name in ("template", "search")
    )
    aim = torch.zeros(3, COLUMNS)
    aim[:, :NUMBERS] = torch.tensor(AIM)
    live = torch.tensor([getattr(CONFIG, name) for name in LIVE])
    pictures = [each.permute(0, 2, 3, 1).to(torch.uint8) for each in patches]
    kernels = template(pictures[0], torch.zeros_like(patches[0][:, 0]))

    found = [part.detach().numpy() for part in whole(kernels, pictures[1], aim, live)]

    with torch.no_grad():
        wanted = step(calm_network(), StepSettings.of(CONFIG), as_input(pictures[1]), kernels, aim)
    assert_same(answers(*found), answers(*(part.numpy() for part in wanted)))


def described(folder):
    """A folder with a description and without graphs."""
    fixed = {name: getattr(CONFIG, name) for name in FIXED}
    Exported("s2iammask", "roi", 0, fixed, list(LIVE), {}).write(folder)


@pytest.mark.parametrize(("name", "value"), [("proposals", 5), ("search_pixels", 287), ("proposal_nms", 0.7)])
def test_settings_that_are_part_of_the_graphs_are_named_where_they_differ(tmp_path, name, value):
    wanted, used = replace(CONFIG, **{name: value}), getattr(CONFIG, name)
    described(tmp_path)

    with pytest.raises(ConfigError, match=f"{name} = {used:g}, not {value}.*export OUT --set {name}={value}"):
        load_tracker(tmp_path, device="cpu", config=wanted)


def test_the_original_step_needs_the_network_itself(tmp_path):
    described(tmp_path)

    with pytest.raises(ConfigError, match=r"compat siammask.*PyTorch.*weights file"):
        load_tracker(tmp_path, config=TrackerConfig(compat="siammask"))


@pytest.fixture
def weights(calm_network, tmp_path):
    path = tmp_path / "random.safetensors"
    checkpoint.save(calm_network(), path, {"confidence": '{"bias": -3, "score": 4, "agreement": 2}'})
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


@pytest.mark.parametrize(
    ("runtime", "named"),
    [
        (RuntimeConfig(runtime="compiled"), r"runtime compiled cannot run.*leave runtime at auto"),
        (RuntimeConfig(runtime="onnxruntime", precision="bf16"), r"in fp32, not bf16.*precision at auto"),
        (RuntimeConfig(runtime="openvino", precision="tf32"), r"tf32 is of NVIDIA.*precision at auto"),
    ],
)
def test_a_way_to_run_that_exported_graphs_do_not_have_is_refused(tmp_path, runtime, named):
    described(tmp_path)

    with pytest.raises(ConfigError, match=named):
        load_tracker(tmp_path, config=CONFIG, runtime=runtime)


def test_an_export_leaves_no_graph_of_another_format_behind(weights, tmp_path):
    pytest.importorskip("onnx")
    folder = tmp_path / "exported"
    folder.mkdir()
    (folder / "search.pt2").write_bytes(b"of an earlier export")
    (folder / "notes.txt").write_text("somebody's own")

    assert main(["export", str(folder), "--weights", str(weights)]) == 0

    names = {path.name for path in folder.iterdir()}
    graphs = {"first_mask.onnx", "search.onnx", "template.onnx"}
    assert names == {"manifest.json", "network.json", "notes.txt", *graphs}


def test_what_an_exported_folder_holds_is_shown(tmp_path, capsys):
    described(tmp_path)

    assert main(["weights", "show", str(tmp_path)]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert (shown["variant"], shown["precision"]) == ("s2iammask", "fp32")
    assert shown["fixed"]["proposals"] == CONFIG.proposals


def test_other_files_are_not_taken_for_exported_ones(weights, tmp_path):
    assert not is_exported(weights)
    assert not is_exported(tmp_path)


def test_a_folder_without_its_description_or_a_graph_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="s2iammask export"):
        load_tracker(tmp_path, device="cpu")

    described(tmp_path)
    with pytest.raises(WeightsError, match=r"template\.onnx"):
        load_tracker(tmp_path, device="cpu", config=CONFIG)


def test_a_folder_of_another_version_is_refused(tmp_path):
    (tmp_path / "network.json").write_text(
        json.dumps({"variant": "siammask_box", "mask_source": "none", "fixed": {}, "live": [], "notes": {}})
    )

    with pytest.raises(WeightsError, match=r"another version.*export it again"):
        load_tracker(tmp_path)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_gpu_that_onnxruntime_cannot_use_is_no_reason_to_run_on_the_cpu(exported, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]  # as of a machine without the libraries
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)

    with pytest.raises(UnavailableError, match="cuda:0 was asked for"):
        load_tracker(exported, device="cuda:0", config=CONFIG)
    assert load_tracker(exported, device="auto", config=CONFIG).device == "cpu"
