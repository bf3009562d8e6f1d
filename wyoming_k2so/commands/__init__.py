"""The commands, a file for each: a function of the configuration and of the command's own flags."""
