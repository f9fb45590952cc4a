"""The inbox: images that wait for a person to say whose they are."""
