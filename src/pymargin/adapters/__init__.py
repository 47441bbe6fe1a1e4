"""Conversions from other people's data: Arrow, frames, the exchange's answers."""
