"""How layers compute: numeric precisions, and the libraries that run them. Knows nothing of XTTS or its files."""
