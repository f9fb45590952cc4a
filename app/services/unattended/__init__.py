"""The agent as what the system starts by itself: systemd's unit, launchd's agent, a Windows service or task."""
