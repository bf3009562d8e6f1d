"""Voices of XTTS: the checkpoint's own and those cloned from clips."""
