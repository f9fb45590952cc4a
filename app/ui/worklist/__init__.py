"""The worklist of the day: who is expected, and the line that says what the next image is."""
