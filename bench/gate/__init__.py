"""What the gate's statistics are worth: `make bench-gate`."""
