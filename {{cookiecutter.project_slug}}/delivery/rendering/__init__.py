"""Manifests as a pure function of what a record pins (DESIGN section 2)."""

from .recipe import Recipe
from .render import render
from .tools import Tools, find_tools

__all__ = ["Recipe", "Tools", "find_tools", "render"]
