"""The gate's statistics: metrics with bounds on them, without random numbers.

`bounds`: what a method finds; `rates`: shares of rows, exact and by Tango's score; `influence`: all
other metrics, by how much each row moves them; `needed`: how many rows would decide.
"""
