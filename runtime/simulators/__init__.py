"""Devices played from a recording: what a suit or a phone would send."""
