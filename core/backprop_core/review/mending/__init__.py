"""Lines that would be right, written in the names of the script, reviewed and run."""
