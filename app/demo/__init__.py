"""The made-up clinic: patients who do not exist and images drawn by our own code.

`clinic` plans what the clinic holds (light, no numpy); `engine` draws and writes
it. Nothing here touches the database or the library: the caller imports the files.
"""
