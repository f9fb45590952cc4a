"""Imaging: a path goes in, arrays and dataclasses come out.

Owns pydicom, numpy, OpenCV and Pillow. Knows no Qt and no database, and imports nothing
heavy here: callers import the module they need.
"""
