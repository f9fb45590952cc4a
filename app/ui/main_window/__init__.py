"""The main window, put together from parts that each do one thing."""
