"""The methods that a network of PyTorch can be tracked with."""

from s2iammask_core.config import TrackerConfig
from s2iammask_core.tracking.eager import EagerRunner
from s2iammask_core.tracking.method import Method
from s2iammask_core.tracking.network import Network
from s2iammask_core.tracking.runner import StepRunner
from s2iammask_core.tracking.s2iammask import S2iamMaskMethod
from s2iammask_core.tracking.siammask import SiamMaskMethod


def method_of(network: Network, config: TrackerConfig, runner: StepRunner | None = None) -> Method:
    """The one that the setting `compat` names; the original SiamMask's has no runner."""
    if config.compat == "siammask":
        return SiamMaskMethod(network)
    return S2iamMaskMethod(runner or EagerRunner(network))
