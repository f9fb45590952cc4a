"""Publishing in the window: looking at what would go, the risk in words, and what is public now."""
