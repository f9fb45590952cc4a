"""The strip at the bottom: a chip per background service and the job under way."""
