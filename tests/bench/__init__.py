"""Measurements: `python -m tests.bench [names]`. Each is a ratio against a floor of its own.

Contenders take turns in short rounds and the median round counts, so a busy machine slows all of
them alike. Nothing here is asserted: a figure is read, not passed.
"""
