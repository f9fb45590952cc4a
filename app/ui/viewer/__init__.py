"""The light table: cells that show one image each, their tools, and the panel that adjusts them.

Knows nothing of the catalogue; frames come through :class:`app.ui.viewer.sources.FrameSource`.
"""
