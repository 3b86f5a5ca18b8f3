"""Half precision ends at 65,504: what the networks that ship compute stays far below."""

import pytest
import torch

from s2iammask_core.clip import first_box, shots
from s2iammask_core.config import RuntimeConfig, TrackerConfig
from s2iammask_core.model import checkpoint
from s2iammask_core.runtime import weights_file
from s2iammask_core.runtime.torch_tracker import make_tracker

MOST = 6_000.0
SHIPPED = sorted(weights_file().parent.glob("*.safetensors"))


@pytest.mark.parametrize("weights", SHIPPED, ids=lambda path: path.stem)
def test_activations_on_the_demo_stay_in_the_range_of_fp16(weights):
    network, _ = checkpoint.load(weights)
    tracker = make_tracker(network, TrackerConfig(), RuntimeConfig("cpu", "eager", "fp32"))
    largest = {}

    def note(module, _, output):
        for each in output if isinstance(output, tuple) else (output,):
            if isinstance(each, torch.Tensor) and each.is_floating_point():
                name = type(module).__name__
                largest[name] = max(largest.get(name, 0.0), float(each.abs().max()))

    for module in network.modules():
        module.register_forward_hook(note)
    frame = next(iter(shots())).frame
    tracker.start(frame, [first_box()])
    tracker.track(frame)

    assert largest
    assert max(largest.values()) < MOST
