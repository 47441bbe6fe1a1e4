"""The decimal-exactness campaign: the core against integers, and against the oracle.

`integers` is the independent check: what is true, from Python integers alone. `market` draws rules
and prices, `draw` accounts, `plant` moves them beside or exactly onto a threshold, `chunk` runs one
share of the work, `state` remembers what is done and `run.py` is the command.
"""
