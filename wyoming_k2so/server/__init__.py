"""Talks to Wyoming clients: sockets, events, turns, and settings that clients change. Knows no model."""
