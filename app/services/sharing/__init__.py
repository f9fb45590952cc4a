"""Sharing on purpose: links that expire, for what goes out and for what others send in."""
