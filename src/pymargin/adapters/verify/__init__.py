"""Recomputes the figures of the exchange's answers about an account: `pymargin.verify`."""
