"""Taking images out of the library. The modules that need imaging libraries are loaded by name, on demand."""
