"""The takeover network: what a body does next, from what is seen of it."""
