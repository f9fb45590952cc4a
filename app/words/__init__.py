"""Texts for people, in their language; used by the command line and the window alike. Knows no Qt.

``t("Import {count} files", count=3)`` and ``tn("{n} image", "{n} images", 3)`` take English source
strings; catalogues live in ``resources/i18n``.
"""

from app.words.catalogue import available_languages, is_right_to_left, language, set_language, t, tn

__all__ = ["available_languages", "is_right_to_left", "language", "set_language", "t", "tn"]
