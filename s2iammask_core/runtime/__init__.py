"""How a step is executed: which device, number format and way of running; the results agree within
tolerance.
"""

from s2iammask_core.runtime.loading import load_tracker
from s2iammask_core.runtime.weights import checked_weights, weights_file

__all__ = ["checked_weights", "load_tracker", "weights_file"]
