"""Screens: the lab, and what opens above it."""
