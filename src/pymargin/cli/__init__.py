"""The command line; its libraries come with the extra ``cli``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments
        What follows the program's name; that of the process where absent.

    Returns
    -------
    int
        0 done; 1 done, but some account is unpriced or beyond its tiers; 2 bad input.
    """
    try:
        import click  # noqa: F401
        import rich  # noqa: F401
    except ImportError as err:
        lacking = (err.name or "click").partition(".")[0]
        print(f"the pymargin command needs {lacking}: pip install 'pymargin[cli]'", file=sys.stderr)
        return 2
    from pymargin.cli.app import run

    return run(arguments)
