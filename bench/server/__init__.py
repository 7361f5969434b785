"""The model server beside others: what `make bench-server` measures."""
