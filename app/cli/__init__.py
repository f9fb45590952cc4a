"""The command line: parses, calls services, prints.

One module per command group, loaded by name when asked for, so that a light command starts fast. The
contract (names, exit codes, JSON keys) is stable; nothing is decided here.
"""
