"""The windows of safe-keeping: backups, restoring, and how safe the library is."""
