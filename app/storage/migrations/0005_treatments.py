"""Treatments, and which images belong to them.

Frozen: whatever changes later gets a script of its own. Times are milliseconds since 1970 in UTC.
"""

STATEMENTS = (
    """
    CREATE TABLE treatments (
        id TEXT PRIMARY KEY,
        patient_id TEXT NOT NULL REFERENCES patients (id),
        procedure TEXT NOT NULL,
        code TEXT NOT NULL,
        teeth TEXT NOT NULL,
        performed_on TEXT,
        dentist TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('planned', 'in_progress', 'completed', 'cancelled')),
        notes TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        version INTEGER NOT NULL DEFAULT 1,
        deleted_at INTEGER,
        legacy_id TEXT
    ) WITHOUT ROWID""",
    "CREATE INDEX treatments_of_patient ON treatments (patient_id, performed_on)",
    "CREATE INDEX treatments_by_legacy_id ON treatments (legacy_id) WHERE legacy_id IS NOT NULL",
    # A link outlives a move of its image to another patient and back: only links within a patient count.
    """
    CREATE TABLE treatment_images (
        treatment_id TEXT NOT NULL REFERENCES treatments (id) ON DELETE CASCADE,
        image_id TEXT NOT NULL,
        PRIMARY KEY (treatment_id, image_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX treatment_images_by_image ON treatment_images (image_id)",
)


def up(execute):
    """Make the tables."""
    for statement in STATEMENTS:
        execute(statement)
