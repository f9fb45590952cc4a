"""The copy of an image that leaves the clinic: made once, looked at by a person, then sent."""
