"""What is corrected here is sent anew: another tooth or type, another name or birth date of the patient.

Archives hold who and where within the object, so both matter to them; mirrors hold ids and teeth in their paths, so
the name does not. What lay there before is called back once the new copy is proven (``Outbox.confirm``). Frozen.
"""

_NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_IS = "NEW.placement = 'filed' AND NEW.deleted_at IS NULL"
_WAS = "OLD.placement = 'filed' AND OLD.deleted_at IS NULL"
_IMAGE = ("tooth", "teeth", "image_type", "view", "laterality", "directory", "filename")
_PATIENT = ("family_name", "given_name", "chart_number", "birth_date", "sex")


def _differs(columns):
    return " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)


_RECALL = f"""
        INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, remote_id, added_at, changed_at)
        SELECT destination, OLD.id, OLD.patient_id, 'remove', remote_id, {_NOW}, {_NOW} FROM copies
        WHERE image_id = OLD.id AND gone_at IS NULL AND is_foreign = 0;"""  # noqa: S608 - our own text
_TAKE_BACK = f"""
        UPDATE outbox SET state = 'cancelled', changed_at = {_NOW}
        WHERE image_id = OLD.id AND wish = 'put' AND state IN ('waiting', 'parked');"""  # noqa: S608 - our own text
_PUT = f"""
        INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, added_at, changed_at)
        SELECT name, NEW.id, NEW.patient_id, 'put', {_NOW}, {_NOW} FROM destinations WHERE enabled = 1 AND ({_IS});"""  # noqa: S608 - our own text

STATEMENTS = (
    # What others had put there before us is theirs: it is never called back, whatever becomes of the image here.
    "ALTER TABLE copies ADD COLUMN is_foreign INTEGER NOT NULL DEFAULT 0",
    # What was corrected, moved or restored since it was sent: it is asked for or sent anew, also to a destination that
    # was off meanwhile.
    "ALTER TABLE copies ADD COLUMN is_stale INTEGER NOT NULL DEFAULT 0",
    # Raised when a destination is at another place: what is still on its way to the old one proves nothing of the new.
    "ALTER TABLE destinations ADD COLUMN generation INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX copies_by_remote ON copies (destination, remote_id)",
    "DROP TRIGGER images_queued_on_update",
    f"""
    CREATE TRIGGER images_queued_on_update AFTER UPDATE OF patient_id, placement, deleted_at ON images
    WHEN ({_WAS}) <> ({_IS}) OR (({_IS}) AND OLD.patient_id IS NOT NEW.patient_id)
    BEGIN{_RECALL}{_TAKE_BACK}{_PUT}
        UPDATE copies SET is_stale = 1 WHERE image_id = NEW.id;
    END""",  # noqa: S608 - our own text
    # What archives and stores keep of a file: known from the import on, it need not be counted again to be compared.
    "ALTER TABLE images ADD COLUMN md5 TEXT",
    "ALTER TABLE renditions ADD COLUMN md5 TEXT",
    # Studies of the archive that were brought in whole, with how many objects they had.
    "CREATE TABLE kept_studies (study_uid TEXT PRIMARY KEY, instances INTEGER NOT NULL) WITHOUT ROWID",
    # Which study an object went out with: the third from the end of what names it.
    "ALTER TABLE renditions ADD COLUMN study_uid TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX renditions_by_study ON renditions (study_uid)",
    # How far the images that were here before a destination was switched on are queued for it; NULL: all are.
    "ALTER TABLE destinations ADD COLUMN filled_rank INTEGER",
    # Figures of a queue, and who of a patient comes first, without reading a million rows.
    """
    CREATE INDEX outbox_figures ON outbox (destination, state, added_at)
    WHERE state IN ('waiting', 'sending', 'parked')""",
    "CREATE INDEX outbox_waiting ON outbox (destination, number) WHERE state = 'waiting'",
    "CREATE INDEX outbox_faults ON outbox (destination, code) WHERE state = 'waiting' AND code IS NOT NULL",
    """
    CREATE INDEX outbox_by_patient ON outbox (destination, patient_id, number) WHERE state IN ('waiting', 'sending')""",
    f"""
    CREATE TRIGGER images_queued_on_correction AFTER UPDATE OF {", ".join(_IMAGE)} ON images
    WHEN ({_WAS}) AND ({_IS}) AND OLD.patient_id IS NEW.patient_id AND ({_differs(_IMAGE)})
    BEGIN
        INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, added_at, changed_at)
        SELECT name, NEW.id, NEW.patient_id, 'put', {_NOW}, {_NOW} FROM destinations WHERE enabled = 1;
        UPDATE copies SET is_stale = 1 WHERE image_id = NEW.id;
    END""",  # noqa: S608 - our own text
    f"""
    CREATE TRIGGER images_queued_on_patient_correction AFTER UPDATE OF {", ".join(_PATIENT)} ON patients
    WHEN {_differs(_PATIENT)}
    BEGIN
        INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, added_at, changed_at)
        SELECT d.name, i.id, i.patient_id, 'put', {_NOW}, {_NOW} FROM images i, destinations d
        WHERE i.patient_id = NEW.id AND i.placement = 'filed' AND i.deleted_at IS NULL
        AND d.enabled = 1 AND d.kind IN ('orthanc', 'dimse') ORDER BY i.rank;
        UPDATE copies SET is_stale = 1 WHERE image_id IN (SELECT id FROM images WHERE patient_id = NEW.id)
        AND destination IN (SELECT name FROM destinations WHERE kind IN ('orthanc', 'dimse'));
    END""",  # noqa: S608 - our own text
)


def up(execute):
    """Make the columns and the triggers."""
    for statement in STATEMENTS:
        execute(statement)
