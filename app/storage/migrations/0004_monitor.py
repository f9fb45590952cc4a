"""Files of watched folders that were handled, so that none is taken twice.

Frozen: whatever changes later gets a script of its own. Times are milliseconds since 1970 in UTC.
"""

STATEMENTS = (
    """
    CREATE TABLE monitor_files (
        folder TEXT NOT NULL,
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        status TEXT NOT NULL,
        code TEXT,
        image_id TEXT,
        at INTEGER NOT NULL,
        PRIMARY KEY (folder, path)
    ) WITHOUT ROWID""",
    "CREATE INDEX monitor_files_by_time ON monitor_files (folder, at)",
)


def up(execute):
    """Make the table."""
    for statement in STATEMENTS:
        execute(statement)
