"""A progress bar on stderr for work that takes over a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["Steps", "steps"]

_DELAY_SECONDS = 1.0


class Steps:
    """The steps of a command, one after the other."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._current: TaskID | None = None

    def begin(self, what: str, *, total: int | None = None) -> None:
        """End the step before and begin one: of known length, or without (None)."""
        self._end()
        self._current = self._progress.add_task(what, total=total)

    def advance(self, amount: int) -> None:
        """Report progress of the step."""
        if self._current is not None:
            self._progress.advance(self._current, amount)

    def _end(self) -> None:
        if self._current is None:
            return
        task = self._progress.tasks[-1]
        total = task.total or 1
        self._progress.update(self._current, total=total, completed=total)


@contextmanager
def steps() -> Iterator[Steps]:
    """Show steps while they run, after the first second, where stderr is a terminal."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
    timer = Timer(_DELAY_SECONDS, progress.start)
    timer.daemon = True
    if progress.console.is_terminal:
        timer.start()
    try:
        yield Steps(progress)
    finally:
        timer.cancel()
        if timer.is_alive():
            timer.join()
        if progress.live.is_started:
            progress.stop()
