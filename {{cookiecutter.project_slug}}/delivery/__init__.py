"""The `deliver` command: it decides what a model release may do; people and CI only call it."""

RENDERER = 3
"""Raised when our own part of rendering changes the bytes of manifests (FORMATS section 4)."""
