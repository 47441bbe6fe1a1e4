"""Figures as people read them on a terminal."""

from __future__ import annotations

from pymargin.words import action_words, amount, counted, duration, level_figure, price_fall, share

__all__ = ["action_words", "amount", "counted", "duration", "level_figure", "price_fall", "share"]
