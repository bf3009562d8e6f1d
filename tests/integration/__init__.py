"""Home Assistant and our server, as real processes."""
