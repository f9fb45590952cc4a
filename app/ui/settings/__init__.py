"""The settings dialog: pages down the left, searchable; Cancel changes nothing."""
