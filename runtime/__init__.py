"""The real-time side of Understudy: sources, performer, stage, viewport, takes and commands."""
