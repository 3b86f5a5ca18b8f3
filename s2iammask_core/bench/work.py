"""How much arithmetic a step has, counted without doing it."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from s2iammask_core.config import NetworkConfig, TrackerConfig
from s2iammask_core.geometry import PRIOR_CELLS
from s2iammask_core.model import build_network


def step_flops(network: NetworkConfig, config: TrackerConfig, targets: int, regions: int) -> int:
    """Floating point operations of the network in one step; a multiplication and an addition are two."""
    with torch.device("meta"), torch.inference_mode():
        module = build_network(network)
        templates = torch.empty(targets, 3, config.template_pixels, config.template_pixels)
        patches = torch.empty(targets, 3, config.search_pixels, config.search_pixels)
        kernels = module.template(templates, templates[:, 0])
        prior = torch.empty(targets, PRIOR_CELLS, PRIOR_CELLS)
        with FlopCounterMode(display=False) as counter:
            output = module.search(kernels, patches, prior)
            if module.mask_source == "roi":
                module.roi_masks(output, torch.empty(targets, regions, 4))
            elif module.mask_source == "cell":
                module.cell_masks(output, torch.empty(targets, dtype=torch.long))
    return int(counter.get_total_flops())
