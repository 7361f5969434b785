"""Models: how they are trained, where they are kept, and the images that carry them."""
