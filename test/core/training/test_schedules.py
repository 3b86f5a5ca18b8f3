"""Learning rates against the values that the method's schedules give."""

import pytest

from s2iammask_core.training.schedules import learning_rate
from s2iammask_core.training.settings import ScheduleConfig

METHOD = ScheduleConfig(name="log", start=0.005, end=0.0025, warmup=5, warmup_start=0.001, per_epoch=True)


def test_the_warm_up_of_siammask():
    rates = [learning_rate(METHOD, epoch, 20) for epoch in range(6)]
    assert rates == pytest.approx([0.001, 0.00137973, 0.00190365, 0.00262653, 0.0036239, 0.005], rel=1e-5)


def test_the_log_curve_of_a_run_of_ten_epochs():
    rates = [learning_rate(METHOD, epoch, 10) for epoch in range(5, 10)]
    assert rates == pytest.approx([0.005, 0.00420448, 0.00353553, 0.00297302, 0.0025], rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "middle"),
    [
        (ScheduleConfig(name="linear", start=1.0, end=0.0), 0.5),
        (ScheduleConfig(name="cos", start=1.0, end=0.0), 0.5),
        (ScheduleConfig(name="step", start=1.0, factor=0.1, every=5), 0.1),
        (ScheduleConfig(name="multistep", start=1.0, factor=0.1, milestones=(2.0, 4.0)), 0.01),
        (ScheduleConfig(name="constant", start=1.0), 1.0),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_named_curve_in_the_middle_of_ten_epochs(settings, middle):
    assert learning_rate(settings, 5.0, 10) == pytest.approx(middle)


def test_the_rate_is_constant_inside_an_epoch_where_the_method_says_so():
    assert learning_rate(METHOD, 7.9, 20) == learning_rate(METHOD, 7.0, 20)
