"""Links by which images are shared until they expire, and links by which others send some (S2, SEC-21). Frozen.

The links themselves are bearer secrets and stand sealed among the secrets, not here.
"""

STATEMENTS = (
    """
    CREATE TABLE shares (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('download', 'upload')),
        state TEXT NOT NULL CHECK (state IN ('uploading', 'live', 'ending', 'ended')),
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        workstation TEXT NOT NULL,
        destination TEXT NOT NULL,
        place TEXT NOT NULL,
        object_name TEXT NOT NULL,
        file_name TEXT NOT NULL,
        mime_type TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        form TEXT NOT NULL,
        identified INTEGER NOT NULL,
        case_reference TEXT NOT NULL,
        image_ids TEXT NOT NULL,
        ending TEXT CHECK (ending IN ('revoked', 'expired', 'failed')),
        code TEXT,
        ended_at INTEGER,
        locked INTEGER NOT NULL,
        sent_files INTEGER NOT NULL DEFAULT 0,
        sent_bytes INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX shares_by_state ON shares (state, expires_at)",
    "CREATE INDEX shares_by_case ON shares (case_reference) WHERE case_reference <> ''",
)


def up(execute):
    """Make the table."""
    for statement in STATEMENTS:
        execute(statement)
