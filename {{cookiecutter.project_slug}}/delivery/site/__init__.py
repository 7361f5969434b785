"""The board: what is where, what waits and why, as static pages built from the repository alone."""
