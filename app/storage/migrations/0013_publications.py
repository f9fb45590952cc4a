"""What is public of the library's images: each published copy, from the wish to the proof that it is gone (F4, P4).

The dates of a publication and an image's public address follow the ledger of copies and the queue by triggers, so that
they are written in the very transaction that proves a copy or calls it back, whoever does that. Frozen. Times are
milliseconds since 1970 in UTC.
"""

_IS_PUBLIC = "substr(NEW.destination, 1, 7) = 'public.'"
_THIS = "destination = NEW.destination AND remote_id = NEW.remote_id"
_FOLLOW = f"""
        UPDATE publications SET gone_at = NEW.gone_at, how = NEW.how,
            public_at = CASE WHEN NEW.how <> 'attempted' AND NEW.gone_at IS NULL
                THEN COALESCE(public_at, NEW.confirmed_at) ELSE public_at END
        WHERE {_THIS};
        UPDATE images SET public_url = (
            SELECT url FROM publications WHERE image_id = NEW.image_id AND public_at IS NOT NULL AND gone_at IS NULL
            AND url IS NOT NULL ORDER BY public_at DESC, remote_id LIMIT 1)
        WHERE id = NEW.image_id;"""  # noqa: S608 - our own text

STATEMENTS = (
    """
    CREATE TABLE publications (
        id TEXT PRIMARY KEY,
        image_id TEXT NOT NULL,
        patient_id TEXT NOT NULL,
        destination TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        place TEXT NOT NULL,
        url TEXT,
        form TEXT NOT NULL CHECK (form IN ('jpeg', 'dicom')),
        filename TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        image_type TEXT NOT NULL,
        caption TEXT NOT NULL DEFAULT '',
        asked_by TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        public_at INTEGER,
        withdrawn_at INTEGER,
        gone_at INTEGER,
        how TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX publications_by_name ON publications (destination, remote_id)",
    "CREATE INDEX publications_by_image ON publications (image_id)",
    "CREATE INDEX publications_open ON publications (asked_at) WHERE gone_at IS NULL",
    # Called back: by a person, or because the image was deleted or is somebody else's.
    f"""
    CREATE TRIGGER publications_withdrawn AFTER INSERT ON outbox
    WHEN NEW.wish = 'remove' AND {_IS_PUBLIC}
    BEGIN
        UPDATE publications SET withdrawn_at = COALESCE(withdrawn_at, NEW.added_at) WHERE {_THIS};
    END""",  # noqa: S608 - our own text
    # Given up: what may have got there is called back; where nothing was sent there is nothing to call back.
    f"""
    CREATE TRIGGER publications_given_up AFTER UPDATE OF state ON outbox
    WHEN NEW.wish = 'put' AND NEW.state = 'cancelled' AND {_IS_PUBLIC}
    BEGIN
        UPDATE publications SET withdrawn_at = COALESCE(withdrawn_at, NEW.changed_at), gone_at = NEW.changed_at
        WHERE {_THIS} AND gone_at IS NULL AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.image_id = NEW.image_id
            AND c.destination = NEW.destination AND c.remote_id = NEW.remote_id AND c.gone_at IS NULL);
        INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, remote_id, added_at, changed_at)
        SELECT destination, image_id, NEW.patient_id, 'remove', remote_id, NEW.changed_at, NEW.changed_at FROM copies
        WHERE image_id = NEW.image_id AND {_THIS} AND gone_at IS NULL;
    END""",  # noqa: S608 - our own text
    f"""
    CREATE TRIGGER publications_begun AFTER INSERT ON copies WHEN {_IS_PUBLIC}
    BEGIN{_FOLLOW}
    END""",
    f"""
    CREATE TRIGGER publications_followed AFTER UPDATE OF how, gone_at ON copies WHEN {_IS_PUBLIC}
    BEGIN{_FOLLOW}
    END""",
)


def up(execute):
    """Make the table and the triggers."""
    for statement in STATEMENTS:
        execute(statement)
