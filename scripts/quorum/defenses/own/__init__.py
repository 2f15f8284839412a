"""Filters of your own: each module here is one, under its own name (docs/own-defense.md)."""
