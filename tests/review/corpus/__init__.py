"""The corpus: hand-written networks as people write them, right and wrong, with verified labels."""
