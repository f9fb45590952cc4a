"""Finding a patient: the box in the top bar and its results."""
