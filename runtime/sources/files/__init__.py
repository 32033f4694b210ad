"""Recorded motion, played as if it came live."""
