"""Sharing by links in the window: what goes out, the link itself, every link there is."""
