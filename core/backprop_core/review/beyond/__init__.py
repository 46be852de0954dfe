"""Beyond the gradient: the network of the script, diagnosed in the lab, and what makes it learn."""
