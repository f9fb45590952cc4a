"""The decoding child: untrusted files are read in a process that may be killed at any moment.

``client.Decoder`` is what the program uses. Nothing heavy is imported here.
"""
