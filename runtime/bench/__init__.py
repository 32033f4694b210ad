"""Figures that the documents quote, one file a part; `understudy bench` prints them.

A part's module has `measure(quick: bool) -> list[Figure]`.
"""
