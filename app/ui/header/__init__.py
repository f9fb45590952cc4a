"""Whose images these are: the patient header and the identity card for dialogs."""
