"""The wire to the terminal: what it shows, what it should show, and how much it can take."""
