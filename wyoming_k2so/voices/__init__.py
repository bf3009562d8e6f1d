"""Which engine speaks a request, and in which voice; loads and unloads engines."""
