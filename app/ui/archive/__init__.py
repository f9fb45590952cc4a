"""The archive in the window: how its queue stands, what waits and why, sending now, trying the connection."""
