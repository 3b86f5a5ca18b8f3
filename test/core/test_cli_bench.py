import json
import subprocess
import sys

import pytest
import torch

from s2iammask_core.bench.device import meter_of
from s2iammask_core.bench.load import busy
from s2iammask_core.bench.timing import ProcessMeter, Timing
from s2iammask_core.bench.work import step_flops
from s2iammask_core.cli import main
from s2iammask_core.config import NetworkConfig, TrackerConfig
from s2iammask_core.model import build_network, checkpoint
from s2iammask_core.runtime.machine import usable_cores

QUICK = ["bench", "--device", "cpu", "--size", "160x120", "--frames", "2", "--set", "proposals=2"]


def test_every_stage_of_a_step_is_reported(capsys):
    assert main([*QUICK, "--variant", "s2iammask", "--json"]) == 0

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
    "wrong", [["--size", "big"], ["--targets", "0"], ["--targets", "x"], ["--frames", "0"], ["--load", "-1"]]
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


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with the graphs of a small network."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("small")
    network = NetworkConfig("s2iammask", blocks=3, mask_detail=False, memory=False)
    checkpoint.save(build_network(network), folder / "random.safetensors")
    words = ["--weights", str(folder / "random.safetensors"), "--set", "proposals=2"]
    assert main(["export", str(folder / "exported"), *words]) == 0
    return folder / "exported"


@pytest.mark.parametrize(("runtime", "precision"), [("openvino", "fp32"), ("onnxruntime", "fp32")])
def test_what_ran_an_exported_network_is_named(exported, runtime, precision, capsys):
    capsys.readouterr()
    words = ["--weights", str(exported), "--runtime", runtime, "--threads", "1", "--precision", precision]

    assert main([*QUICK, *words, "--targets", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert main([*QUICK, *words]) == 0

    (row,) = report["rows"]
    assert (report["variant"], report["precision"], row["targets"]) == ("s2iammask", "fp32", 2)
    assert report["runtime"].startswith(f"{runtime} 2" if runtime == "openvino" else f"{runtime} 1")
    assert (report["device"], row["device"], report["threads"]) == ("cpu", "cpu", 1)
    assert 0 < row["step_ms_p50"] <= row["step_ms_p99"]
    assert (row["tflops"], row["share_of_ceiling"], row["stages"]) == (None, None, {})
    assert "s2iammask, targets 1" in capsys.readouterr().out


def test_without_weights_the_default_is_measured_in_its_default_runtime(capsys):
    assert main(["bench", "--device", "cpu", "--size", "320x240", "--frames", "2", "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert report["weights"] == "s2iammask"
    assert report["runtime"].startswith("openvino 2")
    assert report["threads"] == usable_cores()


def test_weights_that_pytorch_runs_have_stages(tmp_path, capsys):
    weights = tmp_path / "random.safetensors"
    checkpoint.save(build_network(NetworkConfig("siammask_box")), weights)

    assert main([*QUICK, "--weights", str(weights), "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert report["runtime"].startswith("eager (torch ")
    assert report["rows"][0]["stages"]["backbone"] > 0


def test_times_beside_other_work_stand_beside_the_idle_ones(capsys):
    words = [*QUICK, "--variant", "siammask_box", "--no-stages", "--load", "1"]

    assert main([*words, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert main(words) == 0

    assert row["slow_down"] == pytest.approx(row["loaded_ms_p50"] / row["step_ms_p50"])
    assert "x idle" in capsys.readouterr().out


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_no_busy_process_is_left_behind(error, monkeypatch):
    begun = []
    popen = subprocess.Popen

    def noted(*args, **options):
        begun.append(popen(*args, **options))
        return begun[-1]

    monkeypatch.setattr("s2iammask_core.bench.load.subprocess.Popen", noted)

    def interrupted():
        with busy(2):
            assert [process.poll() for process in begun] == [None, None]
            raise error

    with pytest.raises(error):
        interrupted()

    assert [process.poll() for process in begun] == [-9, -9]


def test_busy_processes_end_with_who_began_them():
    program = (
        "import os, subprocess; from s2iammask_core.bench.load import busy\n"
        "with busy(1): os._exit(0)"
    )  # fmt: skip

    # they hold the pipe open for as long as they live
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60).returncode == 0


def test_random_weights_and_given_ones_do_not_go_together(capsys):
    assert main(["bench", "--variant", "s2iammask", "--weights", "s2iammask"]) == 2
    assert "--variant" in capsys.readouterr().err


def test_the_reference_is_in_true_fp32_and_tuned_and_each_row_has_a_peak_of_its_own(monkeypatch, capsys):
    seen = []

    def note(meter):
        seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark))

    monkeypatch.setattr(ProcessMeter, "begin", note)
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
        meter_of(torch.device(name)).begin()

    assert forgotten == [torch.device("cuda:1")]
