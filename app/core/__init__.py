"""What every other room may stand on: errors, cancellation, progress, paths, settings, files.

Standard library, platformdirs, keyring and cryptography only; knows nothing of dentistry.
"""
