"""What a migration from an earlier program has done, so that it can go on and be proven.

Frozen: whatever changes later gets a script of its own. Times are milliseconds since 1970 in UTC.
"""

STATEMENTS = (
    """
    CREATE TABLE legacy_patients (
        source TEXT NOT NULL,
        key TEXT NOT NULL,
        patient_id TEXT NOT NULL,
        done_at INTEGER,
        PRIMARY KEY (source, key)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE legacy_files (
        source TEXT NOT NULL,
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        status TEXT NOT NULL,
        code TEXT,
        image_id TEXT,
        PRIMARY KEY (source, path)
    ) WITHOUT ROWID""",
    "CREATE INDEX legacy_files_by_image ON legacy_files (image_id) WHERE image_id IS NOT NULL",
)


def up(execute):
    """Make the tables."""
    for statement in STATEMENTS:
        execute(statement)
