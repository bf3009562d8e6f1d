"""The languages, one file each."""
