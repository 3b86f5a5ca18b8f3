"""Learning rate over time: a warm-up, then a named curve."""

import math

from s2iammask_core.training.settings import ScheduleConfig


def learning_rate(config: ScheduleConfig, epoch: float, epochs: int) -> float:
    """The rate at a time in epochs (fractional inside an epoch), of a run of `epochs` epochs.

    Warm-up is geometric from warmup_start towards start. The curves after it run over the epochs that are
    left; with per_epoch their last epoch has just the end rate, as in SiamMask.
    """
    if config.per_epoch:
        epoch = math.floor(epoch)
    if epoch < config.warmup:
        return config.warmup_start * math.pow(config.start / config.warmup_start, epoch / config.warmup)
    length = epochs - config.warmup - (1 if config.per_epoch else 0)
    progress = min(1.0, (epoch - config.warmup) / length) if length > 0 else 0.0
    return _curve(config, progress, epoch - config.warmup)


def _curve(config: ScheduleConfig, progress: float, since: float) -> float:
    start, end = config.start, config.end
    if config.name == "log":
        return start * math.pow(end / start, progress)
    if config.name == "linear":
        return start + (end - start) * progress
    if config.name == "cos":
        return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
    if config.name == "step":
        return start * math.pow(config.factor, math.floor(since / config.every))
    if config.name == "multistep":
        return start * math.pow(config.factor, sum(since >= each for each in config.milestones))
    return start
