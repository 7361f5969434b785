"""The verbs of `deliver`, one a module: a plain function, and the command that calls it."""
