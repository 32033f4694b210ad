"""Learned contact shading: scenes, ray-traced references, the network, its training."""
