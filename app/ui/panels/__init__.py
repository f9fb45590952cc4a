"""The panels at the right: details of the image, adjustments, activity."""
