"""An image may belong to a case or an appointment of its patient's (REQUIREMENTS P1). Frozen."""

STATEMENTS = (
    "ALTER TABLE images ADD COLUMN case_reference TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX images_of_case ON images (case_reference, patient_id, imported_at) WHERE case_reference <> ''"
    " AND placement = 'filed' AND deleted_at IS NULL",
)


def up(execute):
    """Add the column and its index."""
    for statement in STATEMENTS:
        execute(statement)
