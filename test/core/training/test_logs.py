"""What the log says about speed."""

import pytest

from s2iammask_core.training.logs import Clock, Speed


def test_the_slower_of_loader_and_step_makes_the_other_wait():
    assert "the step waits" in str(Speed(run=10, loader=10, step=90, waits=0.4))
    assert "the loader waits" in str(Speed(run=10, loader=40, step=10, waits=0.01))


def test_pairs_per_second_of_the_loader_are_those_of_all_its_processes():
    clock = Clock(pairs=8, loaders=3)
    for _ in range(2):
        with clock.waiting():
            pass
        with clock.stepping(loading=4.0):
            pass

    speed = clock.speed()

    assert speed.loader == pytest.approx(6)
    assert speed.step > speed.run > speed.loader
    assert speed.figures().keys() == {
        "pairs_per_s",
        "loader_pairs_per_s",
        "step_pairs_per_s",
        "waits_for_loader",
    }
