"""Backups that went to Google Drive, or were meant to: their history (H6).

Frozen: whatever changes later gets a script of its own. Times are milliseconds since 1970 in UTC.
"""

STATEMENTS = (
    """
    CREATE TABLE drive_backups (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        started_at INTEGER NOT NULL,
        finished_at INTEGER,
        file_name TEXT NOT NULL,
        remote_id TEXT,
        bytes INTEGER NOT NULL,
        images INTEGER NOT NULL,
        contents TEXT NOT NULL CHECK (contents IN ('images', 'database')),
        encrypted INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        md5 TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'waiting', 'completed', 'failed', 'deleted')),
        code TEXT,
        started_by TEXT NOT NULL,
        workstation TEXT NOT NULL
    )""",
    "CREATE INDEX drive_backups_by_state ON drive_backups (state, number)",
)


def up(execute):
    """Make the table."""
    for statement in STATEMENTS:
        execute(statement)
