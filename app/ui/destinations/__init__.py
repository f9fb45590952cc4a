"""Where images go beside the library: destinations and their queues, what is not everywhere yet."""
