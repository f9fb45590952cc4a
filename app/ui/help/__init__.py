"""The built-in help: topics and the dialog that shows them."""
