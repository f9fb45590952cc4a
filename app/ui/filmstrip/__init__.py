"""The filmstrip: one patient's images as thumbnails, newest first, loaded as they come into sight."""
