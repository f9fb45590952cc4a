"""The log page: what ran, what was found, what failed."""
