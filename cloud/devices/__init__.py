"""Settings of devices, changed from the server."""
