"""Work off the window's thread: long jobs, short calls and the bus that says what changed.

QtCore only. Engines are plain functions from below; this room runs them and knows no widget.
"""
