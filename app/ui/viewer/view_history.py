"""Undo and redo of adjustments: a list of states and a place in it.

A gesture is one step: the states passed through while the mouse moves are shown but not recorded.
Scrolling through frames is looking, not adjusting, and makes no step.
"""

from __future__ import annotations

from dataclasses import replace

from app.ui.viewer.view_state import ViewState

HISTORY_LIMIT = 200


class ViewHistory:
    """The states one image went through."""

    def __init__(self, first: ViewState | None = None) -> None:
        self._states = [first or ViewState()]
        self._place = 0

    @property
    def current(self) -> ViewState:
        """The state last recorded or returned to."""
        return self._states[self._place]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step back."""
        return self._place > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a step forward."""
        return self._place < len(self._states) - 1

    def record(self, state: ViewState) -> bool:
        """Add a step, dropping what was undone; return whether it was one."""
        if replace(state, frame=self.current.frame) == self.current:
            self._states[self._place] = state
            return False
        del self._states[self._place + 1 :]
        self._states.append(state)
        del self._states[:-HISTORY_LIMIT]
        self._place = len(self._states) - 1
        return True

    def undo(self, frame: int) -> ViewState:
        """Step back, staying on ``frame``."""
        self._place = max(self._place - 1, 0)
        return replace(self.current, frame=frame)

    def redo(self, frame: int) -> ViewState:
        """Step forward, staying on ``frame``."""
        self._place = min(self._place + 1, len(self._states) - 1)
        return replace(self.current, frame=frame)
