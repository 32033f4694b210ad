"""Sparks, dust, rain, splashes: where each particle is follows from how it began."""
