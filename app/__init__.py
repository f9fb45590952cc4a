"""Bitewing: an image library and viewer for dental and small medical clinics.

Rooms and their direction of dependency are described in README.md ("How it fits together") and
enforced by the import-linter contracts in pyproject.toml.
"""

__version__ = "0.1.0"
