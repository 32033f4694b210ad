"""Tests of what users install in their engines; behind `make test-clients`."""
