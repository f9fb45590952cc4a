"""One palette, the style sheet made from it, and icons that follow it."""
