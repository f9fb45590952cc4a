"""Engines that bring files in: plan (pure) first, then execute.

No window, no command line and no decoding here: pictures are examined through ``app.imaging``.
"""
