import json

import pytest
import torch

from s2iammask_core.bench import measure
from s2iammask_core.bench.timing import Timing, forget_peak
from s2iammask_core.bench.work import step_flops
from s2iammask_core.cli import main
from s2iammask_core.config import NetworkConfig, TrackerConfig
from s2iammask_core.model import build_network, checkpoint

QUICK = ["bench", "--device", "cpu", "--size", "160x120", "--frames", "2", "--set", "proposals=2"]


def test_every_stage_of_a_step_is_reported(capsys):
    assert main([*QUICK, "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    (row,) = report["rows"]
    assert (report["weights"], report["variant"], report["size"]) == ("random", "s2iammask", "160x120")
    assert list(row["stages"]) == [
        "crop", "backbone", "heads", "rank", "stage 2", "vote", "paste", "copy back", "contours",
    ]  # fmt: skip
    assert 0 < row["step_ms_p50"] <= row["step_ms_p99"]
    assert row["frames_per_s"] == pytest.approx(1e3 / row["step_ms_p50"])
    assert row["share_of_ceiling"] == pytest.approx(row["tflops"] / row["ceiling_tflops"])
    assert row["memory_mib"] > 0


def test_rows_for_several_numbers_of_targets_are_set_against_the_reference(capsys):
    words = ["--variant", "siammask_box", "--targets", "1,3", "--reference", "--no-stages", "--json"]
    assert main([*QUICK, *words]) == 0

    reference, one, three = json.loads(capsys.readouterr().out)["rows"]
    assert (reference["name"], reference["targets"], reference["speed_up"]) == ("reference", 1, None)
    for row in (one, three):
        wanted = reference["step_ms_p50"] * row["targets"] / row["step_ms_p50"]
        assert row["speed_up"] == pytest.approx(wanted)
    assert three["target_frames_per_s"] == pytest.approx(3 * three["frames_per_s"])


def test_without_json_a_report_can_be_read(capsys):
    assert main([*QUICK, "--variant", "siammask_sharp", "--clock", "process"]) == 0

    text = capsys.readouterr().out
    assert "siammask_sharp, targets 1" in text
    assert "backbone" in text


def test_settings_of_the_runtime_count_as_their_flags_do(capsys):
    words = ["--variant", "siammask_box", "--no-stages", "--json", "--set", "precision=fp32"]

    assert main([*QUICK, *words]) == 0
    assert json.loads(capsys.readouterr().out)["precision"] == "float32"
    assert main([*QUICK, *words, "--precision", "bf16"]) == 0
    assert json.loads(capsys.readouterr().out)["precision"] == "bfloat16"


@pytest.mark.parametrize(
    "wrong", [["--size", "big"], ["--targets", "0"], ["--targets", "x"], ["--frames", "0"]]
)
def test_wrong_values_are_named(wrong, capsys):
    assert main(["bench", "--device", "cpu", *wrong]) == 2
    assert wrong[0] in capsys.readouterr().err


def test_percentiles_lie_between_the_times():
    timing = Timing.of([0.001 * each for each in range(1, 102)])

    assert timing.p50 == pytest.approx(51)
    assert timing.p99 == pytest.approx(100)


def test_the_arithmetic_is_that_of_the_networks_layers():
    one, two = (step_flops(NetworkConfig("siammask_box"), TrackerConfig(), count, 0) for count in (1, 2))
    ten = step_flops(
        NetworkConfig(backbone="resnet50", mask_detail=False, memory=False), TrackerConfig(), 1, 10
    )

    assert one == pytest.approx(2 * 15.4e9, rel=0.01)  # 15.4 GMAC
    assert two == 2 * one
    assert ten == pytest.approx(2 * 39.8e9, rel=0.01)
    assert torch.get_default_device().type == "cpu"


def test_an_exported_network_is_measured_as_a_whole(tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    folder, weights = tmp_path / "exported", tmp_path / "random.safetensors"
    checkpoint.save(build_network(NetworkConfig("siammask_box")), weights)
    assert main(["export", str(folder), "--weights", str(weights), "--set", "proposals=2"]) == 0
    capsys.readouterr()

    assert main([*QUICK, "--weights", str(folder), "--targets", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert main([*QUICK, "--weights", str(folder)]) == 0

    (row,) = report["rows"]
    assert (report["variant"], report["precision"], row["targets"]) == ("siammask_box", "fp32", 2)
    assert report["runtime"].startswith("onnxruntime")
    assert (report["device"], row["device"], report["threads"]) == ("cpu", "cpu", "onnxruntime's choice")
    assert 0 < row["step_ms_p50"] <= row["step_ms_p99"]
    assert (row["tflops"], row["share_of_ceiling"], row["stages"]) == (None, None, {})
    assert "siammask_box, targets 1" in capsys.readouterr().out


def test_the_reference_is_in_true_fp32_and_tuned_and_each_row_has_a_peak_of_its_own(monkeypatch, capsys):
    seen = []

    def note(device):
        seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark))

    monkeypatch.setattr(measure, "forget_peak", note)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    words = ["--variant", "siammask_box", "--targets", "1", "--reference", "--no-stages"]

    assert main([*QUICK, *words]) == 0

    assert seen == [
        (False, True),
        (False, False),
    ]  # the reference, then the network


def test_the_peak_of_a_gpu_is_forgotten_and_that_of_a_process_is_not(monkeypatch):
    forgotten = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", forgotten.append)

    for name in ("cpu", "cuda:1"):
        forget_peak(torch.device(name))

    assert forgotten == [torch.device("cuda:1")]
