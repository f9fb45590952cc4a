"""Reading DICOM files safely: opening, decoding, stored values and what a file says of itself.

Does not window or draw (``app.imaging.display``) and never writes a file.
"""
