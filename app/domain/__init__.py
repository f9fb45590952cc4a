"""What the program is about, as frozen dataclasses, enums and rules.

Pure: no files, no database, no pixels, no clock; standard library only.
"""
