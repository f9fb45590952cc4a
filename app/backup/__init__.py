"""Backups: writing, reading back, restoring, rotating. Files in, files out; no service, no window.

The catalogue is reached only through what ``services`` passes in.
"""
