"""Use cases that the window and the command line call.

Services own transactions, check permissions, write the audit log and say what changed. No Qt, no
peewee, and nothing heavy is imported before it is needed.
"""
