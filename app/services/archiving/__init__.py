"""The archive: sending images to it with proof, calling them back, saying where each of them is."""
