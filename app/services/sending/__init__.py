"""Sending what is queued, whatever the destination: rounds by hand, for ever in the background, and their history."""
