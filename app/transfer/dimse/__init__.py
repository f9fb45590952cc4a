"""DICOM peers that speak DIMSE (PS3.7, PS3.8): sensors, archives, worklists. Nothing here knows a row or a window."""
