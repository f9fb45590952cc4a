"""Numbered schema scripts, loaded by path; each is frozen once released."""
