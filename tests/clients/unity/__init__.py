"""Tests of the Unity package: its core runs on mono, against real stages."""
