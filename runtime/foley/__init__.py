"""Foley: what happens on the stage is heard. A process of its own."""
