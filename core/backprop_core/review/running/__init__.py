"""The script, run in a process of its own: rewritten, recorded, held at its updates, put back to other weights."""
