"""The script of a user, watched live in the lab."""
