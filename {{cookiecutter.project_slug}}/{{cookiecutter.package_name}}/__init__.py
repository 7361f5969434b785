"""Model code: a package per model, and the contract through which `deliver` runs it."""
