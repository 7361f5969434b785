"""What a laptop needs that CI and clusters have: `python3 -m delivery.local VERB`.

Standard library only, so that it runs before `.venv` exists.
"""
