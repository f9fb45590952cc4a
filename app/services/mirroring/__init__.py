"""Mirrors: every filed image as a file somewhere else too, proven, and called back when it moves or goes."""
