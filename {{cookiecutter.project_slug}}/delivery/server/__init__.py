"""The model server and the scoring entry of every image; it needs nothing of the `deliver` command.

In the repository it is `delivery.server`, in an image `server`; hence relative imports alone.
"""
