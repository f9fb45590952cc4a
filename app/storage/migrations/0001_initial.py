"""The first schema: patients, images, search, intents, audit, settings, jobs, changes.

Frozen: whatever changes later gets a script of its own. Times are milliseconds since 1970 in UTC.
"""

_TEETH = ", ".join(f"'{tooth}'" for tooth in [*map(str, range(1, 33)), *"ABCDEFGHIJKLMNOPQRST", "general"])

STATEMENTS = (
    """
    CREATE TABLE library (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        id TEXT NOT NULL,
        created_at INTEGER NOT NULL
    )""",
    # "images" counts what is filed and not deleted; triggers keep it, so that lists need no GROUP BY.
    """
    CREATE TABLE patients (
        rank INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        family_name TEXT NOT NULL,
        given_name TEXT NOT NULL,
        chart_number TEXT NOT NULL,
        birth_date TEXT,
        sex TEXT NOT NULL CHECK (sex IN ('M', 'F', 'O', '')),
        phone TEXT NOT NULL,
        notes TEXT NOT NULL,
        sort_name TEXT NOT NULL,
        name_words TEXT NOT NULL,
        folded_chart TEXT NOT NULL,
        images INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        version INTEGER NOT NULL DEFAULT 1,
        deleted_at INTEGER,
        merged_into TEXT REFERENCES patients (id)
    )""",
    "CREATE INDEX patients_by_name ON patients (sort_name, id) WHERE deleted_at IS NULL",
    "CREATE INDEX patients_by_chart ON patients (folded_chart) WHERE folded_chart <> ''",
    "CREATE INDEX patients_by_words ON patients (name_words)",
    "CREATE INDEX patients_merged ON patients (merged_into) WHERE merged_into IS NOT NULL",
    # The row id of an entry is its patient's rank.
    "CREATE VIRTUAL TABLE patient_search USING fts5 (words, tokenize = 'trigram')",
    """
    CREATE TABLE patient_prefixes (
        prefix TEXT NOT NULL,
        sort_name TEXT NOT NULL,
        rank INTEGER NOT NULL,
        PRIMARY KEY (prefix, sort_name, rank)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE recents (
        actor_id TEXT NOT NULL,
        patient_id TEXT NOT NULL REFERENCES patients (id),
        viewed_at INTEGER NOT NULL,
        PRIMARY KEY (actor_id, patient_id)
    ) WITHOUT ROWID""",
    f"""
    CREATE TABLE images (
        rank INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        patient_id TEXT REFERENCES patients (id),
        placement TEXT NOT NULL CHECK (placement IN ('filed', 'inbox', 'quarantined')),
        directory TEXT NOT NULL CHECK (directory LIKE '%/'),
        filename TEXT NOT NULL CHECK (filename <> '' AND filename NOT LIKE '%/%'),
        original_name TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        mime_type TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('dicom', 'photo', 'document', 'other')),
        imported_at INTEGER NOT NULL,
        tooth TEXT NOT NULL CHECK (tooth IN ({_TEETH})),
        teeth TEXT NOT NULL,
        image_type TEXT NOT NULL CHECK (image_type IN ('before', 'after', 'xray', 'clinical', 'other')),
        view TEXT NOT NULL CHECK (view IN ('periapical', 'bitewing', 'occlusal', 'panoramic', 'cephalometric', 'cbct',
                                           'intraoral_photo', 'extraoral_photo', 'document', 'other')),
        laterality TEXT NOT NULL CHECK (laterality IN ('left', 'right', 'both', 'unknown')),
        row_count INTEGER,
        column_count INTEGER,
        frames INTEGER NOT NULL,
        captured_at INTEGER,
        caption TEXT NOT NULL,
        modality TEXT NOT NULL,
        study_uid TEXT,
        study_description TEXT NOT NULL,
        series_uid TEXT,
        sop_instance_uid TEXT,
        sop_class_uid TEXT,
        transfer_syntax_uid TEXT,
        slice_position REAL,
        pixel_sha256 TEXT,
        picture_hash TEXT,
        identity_patient_id TEXT NOT NULL,
        identity_family_name TEXT NOT NULL,
        identity_given_name TEXT NOT NULL,
        identity_birth_date TEXT,
        identity_sex TEXT NOT NULL,
        reason TEXT,
        reason_facts TEXT NOT NULL,
        similar_to TEXT,
        public_url TEXT,
        added_by TEXT NOT NULL,
        changed_at INTEGER,
        version INTEGER NOT NULL DEFAULT 1,
        deleted_at INTEGER,
        search_text TEXT NOT NULL,
        UNIQUE (directory, filename),
        CHECK (placement <> 'filed' OR patient_id IS NOT NULL)
    )""",
    "CREATE INDEX images_by_sha256 ON images (sha256)",
    "CREATE INDEX images_by_pixels ON images (pixel_sha256) WHERE pixel_sha256 IS NOT NULL",
    "CREATE INDEX images_by_instance ON images (sop_instance_uid) WHERE sop_instance_uid IS NOT NULL",
    "CREATE INDEX images_by_study ON images (study_uid) WHERE study_uid IS NOT NULL",
    "CREATE INDEX images_of_patient ON images (patient_id, tooth, image_type)"
    " WHERE placement = 'filed' AND deleted_at IS NULL",
    "CREATE INDEX images_by_patient ON images (patient_id) WHERE patient_id IS NOT NULL",
    "CREATE INDEX images_waiting ON images (placement, imported_at) WHERE placement <> 'filed'",
    "CREATE INDEX images_deleted ON images (deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX images_by_import ON images (imported_at, size_bytes)",
    "CREATE INDEX images_by_filename ON images (filename)",
    """
    CREATE TABLE image_teeth (
        image_rank INTEGER NOT NULL REFERENCES images (rank) ON DELETE CASCADE,
        tooth TEXT NOT NULL,
        PRIMARY KEY (image_rank, tooth)
    ) WITHOUT ROWID""",
    # Sixteen rows per 256-bit picture hash: number of the band * 65536 + its 16 bits.
    """
    CREATE TABLE picture_bands (
        band INTEGER NOT NULL,
        image_rank INTEGER NOT NULL,
        PRIMARY KEY (band, image_rank)
    ) WITHOUT ROWID""",
    """
    CREATE TRIGGER images_counted_on_insert AFTER INSERT ON images
    WHEN NEW.placement = 'filed' AND NEW.deleted_at IS NULL
    BEGIN
        UPDATE patients SET images = images + 1 WHERE id = NEW.patient_id;
    END""",
    """
    CREATE TRIGGER images_counted_on_update AFTER UPDATE OF patient_id, placement, deleted_at ON images
    WHEN OLD.patient_id IS NOT NEW.patient_id OR OLD.placement <> NEW.placement
         OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)
    BEGIN
        UPDATE patients SET images = images - 1
        WHERE id = OLD.patient_id AND OLD.placement = 'filed' AND OLD.deleted_at IS NULL;
        UPDATE patients SET images = images + 1
        WHERE id = NEW.patient_id AND NEW.placement = 'filed' AND NEW.deleted_at IS NULL;
    END""",
    """
    CREATE TRIGGER images_counted_on_delete AFTER DELETE ON images
    WHEN OLD.placement = 'filed' AND OLD.deleted_at IS NULL
    BEGIN
        UPDATE patients SET images = images - 1 WHERE id = OLD.patient_id;
    END""",
    """
    CREATE TABLE file_intents (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('arrive', 'move')),
        state TEXT NOT NULL CHECK (state IN ('begun', 'committed')),
        owner TEXT NOT NULL,
        image_id TEXT NOT NULL,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        payload TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """
    CREATE TABLE audit (
        writer TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        at INTEGER NOT NULL,
        actor_id TEXT NOT NULL,
        action TEXT NOT NULL,
        entity TEXT NOT NULL,
        entity_id TEXT NOT NULL,
        outcome TEXT NOT NULL,
        details TEXT NOT NULL,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (writer, sequence)
    )""",
    "CREATE INDEX audit_by_time ON audit (at)",
    "CREATE INDEX audit_by_entity ON audit (entity, entity_id)",
    """
    CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN
        SELECT RAISE (ABORT, 'the audit log is append-only');
    END""",
    """
    CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
    BEGIN
        SELECT RAISE (ABORT, 'the audit log is append-only');
    END""",
    """
    CREATE TABLE audit_heads (
        writer TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL,
        hash TEXT NOT NULL,
        crossed_at INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID""",
    """
    CREATE TABLE settings (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        updated_at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """
    CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        sealed TEXT NOT NULL,
        updated_at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        started_by TEXT NOT NULL,
        actor_id TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled', 'interrupted')),
        owner TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        arguments TEXT NOT NULL,
        counts TEXT NOT NULL,
        error_code TEXT,
        error_facts TEXT NOT NULL
    )""",
    "CREATE INDEX jobs_by_state ON jobs (state, kind)",
    """
    CREATE TABLE job_items (
        number INTEGER PRIMARY KEY,
        job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        status TEXT NOT NULL,
        image_id TEXT,
        patient_id TEXT,
        code TEXT,
        facts TEXT NOT NULL,
        similar_to TEXT,
        at INTEGER NOT NULL
    )""",
    "CREATE INDEX job_items_by_path ON job_items (job_id, path)",
    """
    CREATE TABLE change_log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        entity TEXT NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        patient_id TEXT,
        origin TEXT NOT NULL
    )""",
)


def up(execute):
    """Make every table, index and trigger."""
    for statement in STATEMENTS:
        execute(statement)
