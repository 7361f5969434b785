"""`make demo`: two real models go from dev to prod in a repository that was baked a minute ago."""
