"""Measures how fast an engine or a server speaks, and how much quality a precision costs."""
