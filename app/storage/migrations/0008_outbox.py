"""What is to be sent where, and what lies where: queues of destinations, kept renditions, and the ledger of copies.

Rows are queued by triggers, so that they are made in the very transaction that brings an image in, moves, deletes or
restores it, whoever does that. Frozen: whatever changes later gets a script of its own. Times are milliseconds since
1970 in UTC.
"""

_NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


def _put(condition):
    return f"""
        INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, added_at, changed_at)
        SELECT name, NEW.id, NEW.patient_id, 'put', {_NOW}, {_NOW} FROM destinations WHERE enabled = 1{condition};"""  # noqa: S608 - our own text


_RECALL = f"""
        INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, remote_id, added_at, changed_at)
        SELECT destination, OLD.id, OLD.patient_id, 'remove', remote_id, {_NOW}, {_NOW} FROM copies
        WHERE image_id = OLD.id AND gone_at IS NULL;"""  # noqa: S608 - our own text
_TAKE_BACK = f"""
        UPDATE outbox SET state = 'cancelled', changed_at = {_NOW}
        WHERE image_id = OLD.id AND wish = 'put' AND state IN ('waiting', 'parked');"""  # noqa: S608 - our own text
_WAS = "OLD.placement = 'filed' AND OLD.deleted_at IS NULL"
_IS = "NEW.placement = 'filed' AND NEW.deleted_at IS NULL"

STATEMENTS = (
    """
    CREATE TABLE destinations (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        enabled INTEGER NOT NULL DEFAULT 0,
        blocked_code TEXT,
        blocked_facts TEXT,
        last_success_at INTEGER
    ) WITHOUT ROWID""",
    """
    CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        destination TEXT NOT NULL,
        image_id TEXT NOT NULL,
        patient_id TEXT,
        wish TEXT NOT NULL CHECK (wish IN ('put', 'remove')),
        state TEXT NOT NULL DEFAULT 'waiting'
            CHECK (state IN ('waiting', 'sending', 'confirmed', 'parked', 'cancelled')),
        tries INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER NOT NULL DEFAULT 0,
        remote_id TEXT,
        code TEXT,
        facts TEXT,
        added_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    )""",
    """
    CREATE UNIQUE INDEX outbox_once ON outbox (destination, image_id, wish, COALESCE(remote_id, ''))
    WHERE state IN ('waiting', 'parked')""",
    "CREATE INDEX outbox_open ON outbox (destination, number) WHERE state IN ('waiting', 'sending', 'parked')",
    "CREATE INDEX outbox_by_image ON outbox (image_id)",
    """
    CREATE TABLE copies (
        image_id TEXT NOT NULL,
        destination TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        digest TEXT NOT NULL,
        how TEXT NOT NULL,
        confirmed_at INTEGER NOT NULL,
        gone_at INTEGER,
        PRIMARY KEY (image_id, destination, remote_id)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE renditions (
        image_id TEXT PRIMARY KEY,
        made_for TEXT NOT NULL,
        filename TEXT NOT NULL,
        remote_key TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        made_at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    f"""
    CREATE TRIGGER images_queued_on_insert AFTER INSERT ON images
    WHEN {_IS}
    BEGIN{_put("")}
    END""",
    f"""
    CREATE TRIGGER images_queued_on_update AFTER UPDATE OF patient_id, placement, deleted_at ON images
    WHEN ({_WAS}) <> ({_IS}) OR (({_IS}) AND OLD.patient_id IS NOT NEW.patient_id)
    BEGIN{_RECALL}{_TAKE_BACK}{_put(f" AND ({_IS})")}
    END""",
)


def up(execute):
    """Make the tables and the triggers."""
    for statement in STATEMENTS:
        execute(statement)
