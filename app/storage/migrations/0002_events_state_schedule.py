"""What the log page shows, what the program learned (not what people chose), and which day's runs were made.

Frozen: whatever changes later gets a script of its own. Times are milliseconds since 1970 in UTC.
"""

STATEMENTS = (
    # Codes and facts, never names or free text: the log holds no patient data (W7, SEC-9).
    """
    CREATE TABLE events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
        topic TEXT NOT NULL,
        code TEXT NOT NULL,
        facts TEXT NOT NULL,
        job_id TEXT,
        actor_id TEXT NOT NULL,
        workstation TEXT NOT NULL
    )""",
    "CREATE INDEX events_by_time ON events (at)",
    "CREATE INDEX events_by_topic ON events (topic, number)",
    "CREATE INDEX jobs_by_start ON jobs (started_at)",
    """
    CREATE TABLE state (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        updated_at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    # One row per task and local date: a clock that is set back cannot make a day's run twice (A14).
    """
    CREATE TABLE schedule_runs (
        task TEXT NOT NULL,
        local_date TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        job_id TEXT,
        PRIMARY KEY (task, local_date)
    ) WITHOUT ROWID""",
)


def up(execute):
    """Make the tables."""
    for statement in STATEMENTS:
        execute(statement)
