"""Links by which images are shared until they expire, and links by which others send some (S2, SEC-21). Frozen.

The links themselves are bearer secrets and stand sealed among the secrets, not here.
"""

# What was deleted, or belongs to somebody else after all, is not given out any longer: in whatever transaction says so.
_END = """
        UPDATE shares SET state = 'ending', ending = 'revoked', code = 'share.outlived'
        WHERE state IN ('uploading', 'live') AND kind = 'download'
        AND EXISTS (SELECT 1 FROM json_each(shares.image_ids) WHERE value = {image});"""

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
        receiver TEXT NOT NULL,
        sent_files INTEGER NOT NULL DEFAULT 0,
        sent_bytes INTEGER NOT NULL DEFAULT 0,
        closed_at INTEGER
    )""",
    "CREATE INDEX shares_by_state ON shares (state, expires_at)",
    "CREATE INDEX shares_by_case ON shares (case_reference) WHERE case_reference <> ''",
    f"""
    CREATE TRIGGER shares_ended_with_image AFTER UPDATE OF patient_id, deleted_at ON images
    WHEN (NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL)
        OR (OLD.patient_id IS NOT NULL AND OLD.patient_id IS NOT NEW.patient_id)
    BEGIN{_END.format(image="NEW.id")}
    END""",
    f"""
    CREATE TRIGGER shares_ended_with_row AFTER DELETE ON images
    BEGIN{_END.format(image="OLD.id")}
    END""",
)


def up(execute):
    """Make the table."""
    for statement in STATEMENTS:
        execute(statement)
