"""The catalogue and the files of a library: the only room that knows peewee and SQL.

Repositories take a :class:`app.storage.database.Database` and return domain dataclasses; the image
store moves bytes. Nothing here decodes pixels or decides who may do what.
"""
