"""What was applied beside the backward pass with every known mistake: which explain it, and which of them harm."""
