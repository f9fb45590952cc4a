"""Words for error codes: one module a topic, each with one function ``texts()``."""
