"""Google Drive: signing in, resumable uploads, verified downloads. Knows files, not backups or rows."""
