"""The networks, without any notion of video."""

from s2iammask_core.model.network import SiameseNetwork, build_network

__all__ = ["SiameseNetwork", "build_network"]
