"""The patient tree: patient, tooth, image type, each fetched when it is opened."""
