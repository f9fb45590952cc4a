"""One screen that an admin understands in five seconds: what is well, what waits by itself, what needs somebody."""
