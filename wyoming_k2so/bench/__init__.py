"""Measures how fast an engine or a server speaks, and what a precision costs in quality."""
