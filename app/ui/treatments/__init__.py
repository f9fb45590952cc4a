"""What was done to which teeth, with the images that belong to it."""
