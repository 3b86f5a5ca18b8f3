"""Requests of OpenVINO that run side by side, with stand-ins that note when each begins and is waited for."""

from types import SimpleNamespace

import numpy as np
import pytest

from s2iammask_core.runtime.openvino_engine import _Lanes


class Request:
    """Answers what it was last given, once it was waited for."""

    def __init__(self, log):
        self._log, self._given, self._answer = log, None, None

    def start_async(self, inputs, share_inputs):
        assert self._given is None, "it has not answered yet"
        self._given = inputs
        self._log.append("begin")

    def wait(self):
        self._answer, self._given = self._given, None
        self._log.append("wait")

    def get_output_tensor(self, number):
        return SimpleNamespace(data=np.array([self._answer["number"], number]))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8])
def test_each_call_is_answered_in_its_turn(count):
    compiled = SimpleNamespace(create_infer_request=lambda: Request([]), outputs=[None, None])

    found = _Lanes(compiled, 2).answer([{"number": number} for number in range(count)])

    assert [[each.tolist() for each in outputs] for outputs in found] == [
        [[number, 0], [number, 1]] for number in range(count)
    ]


def test_a_request_goes_on_while_another_one_is_waited_for():
    log = []
    compiled = SimpleNamespace(create_infer_request=lambda: Request(log), outputs=[None])

    _Lanes(compiled, 2).answer([{"number": number} for number in range(4)])

    assert log == ["begin", "begin", "wait", "begin", "wait", "begin", "wait", "wait"]
