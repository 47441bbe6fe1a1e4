"""``python -m pymargin``."""

from __future__ import annotations

import sys

from pymargin.cli import main

if __name__ == "__main__":
    sys.exit(main())
