"""How each verb is called from the command line, and what it prints.

Verbs are imported when they are called: `deliver --help` pays for none of them.
"""
