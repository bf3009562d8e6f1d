"""The commands: one function each, given the configuration and its own flags. `cli` reads both and calls them."""
