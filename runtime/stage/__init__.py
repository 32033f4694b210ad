"""The stage: the real-time loop, its cast and its scenery; no protocol by name."""
