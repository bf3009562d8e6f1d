"""Serves Wyoming clients: connections, events, admission, and settings that clients change. Knows no model."""
