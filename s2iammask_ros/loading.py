"""The tracker that the node and the replay use."""

from s2iammask_core import RuntimeConfig, Tracker, TrackerConfig, load_tracker
from s2iammask_core.errors import WeightsError
from s2iammask_core.runtime import checked_weights


def make_tracker(weights: str, config: TrackerConfig, runtime: RuntimeConfig) -> Tracker:
    """A tracker with the weights of a file or, for "", those of the package.

    The file is compared with its manifest first. WeightsError, with what to do, if that or the reading fails.
    """
    try:
        return load_tracker(checked_weights(weights), config=config, runtime=runtime)
    except WeightsError as error:
        raise WeightsError(f"{error} (parameter weights: {weights!r})") from error
