"""The template that the repository was made from: where it is, what it brings, taking it in."""
