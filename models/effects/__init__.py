"""Example image effects: networks with constructed weights, written by the scripts here."""
