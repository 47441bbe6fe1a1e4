"""Optional dependencies: imported where used, with an error that names the extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["require"]


def require(module: str, *, extra: str, purpose: str) -> Any:
    """Import an optional module, or say which extra brings it.

    Raises
    ------
    ImportError
        The module is not installed.
    """
    try:
        return import_module(module)
    except ImportError as err:
        package = module.partition(".")[0]
        raise ImportError(f"{purpose} needs {package}: pip install 'pymargin[{extra}]'") from err
