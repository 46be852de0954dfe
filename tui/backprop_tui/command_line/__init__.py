"""The commands of the command line, one file each: what it says of itself, its options, what it does."""
