"""Measurements against the figures of PERFORMANCE.md; run as modules, never with the tests."""
