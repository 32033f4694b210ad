"""The network that foretells footsteps."""
