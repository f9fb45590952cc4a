"""The composition root: the only place that builds things and puts them together."""
