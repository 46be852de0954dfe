"""From what was recorded to one update in canonical form: the network, its loss, its gradient, what was applied."""
