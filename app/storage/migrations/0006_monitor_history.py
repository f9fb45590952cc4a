"""Watched folders: the change time that tells a replaced file, and files that are gone but not forgotten.

Frozen: whatever changes later gets a script of its own. A ``ctime_ns`` of 0 was written before it was noted.
"""

STATEMENTS = (
    "ALTER TABLE monitor_files ADD COLUMN ctime_ns INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE monitor_files ADD COLUMN gone INTEGER NOT NULL DEFAULT 0",
)


def up(execute):
    """Add the columns."""
    for statement in STATEMENTS:
        execute(statement)
