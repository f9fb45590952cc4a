"""Dialogs and toasts: modal only when a person must decide now."""
