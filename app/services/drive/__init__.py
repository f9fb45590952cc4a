"""Google Drive as a place for backups: the account, what goes there, what lies there, what comes back."""
