"""Git hosts: pull requests, comments, checks, reviews and branch rules, on GitHub and Gitea.

A member of its own: of `delivery` it uses settings and errors, and the rest uses `Host` alone.
"""
