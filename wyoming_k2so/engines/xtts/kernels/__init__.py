"""How the networks compute: numeric precisions, and the libraries that run them."""
