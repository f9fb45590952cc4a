"""Other computers: archives and remote stores. No Qt, no database, no rows."""
