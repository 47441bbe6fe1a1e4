"""Notices: what an exchange announces, read into changes of the rules."""

from __future__ import annotations

from pymargin.notices.change import Change, Notice, NoticeProblem

__all__ = ["Change", "Notice", "NoticeProblem"]
