"""XTTS's voices: the checkpoint's speakers and those cloned from clips. Knows nothing of replies."""
