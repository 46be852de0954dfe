"""The screen and the command line around :mod:`backprop_core`."""
