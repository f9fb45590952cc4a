"""Removals at destinations are counted before each turn of a queue: from indices, whatever else waits. Frozen."""

STATEMENTS = (
    """
    CREATE INDEX outbox_removals ON outbox (destination, state)
    WHERE wish = 'remove' AND state IN ('waiting', 'sending', 'parked')""",
    "CREATE INDEX copies_gone ON copies (destination, gone_at) WHERE gone_at IS NOT NULL",
)


def up(execute):
    """Make the indices."""
    for statement in STATEMENTS:
        execute(statement)
