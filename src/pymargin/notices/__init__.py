"""Notices: what an exchange announces, read into changes of the rules."""

from __future__ import annotations

from pymargin.notices.change import Change, Notice, NoticeProblem
from pymargin.notices.reader import read_notice

__all__ = ["Change", "Notice", "NoticeProblem", "read_notice"]
