"""The folder monitor: looks, waits until files are whole, hands them to the importer, never twice."""
