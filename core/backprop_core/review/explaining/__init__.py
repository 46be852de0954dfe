"""Findings put into words: the line, the formula, the name that the script has for it."""
