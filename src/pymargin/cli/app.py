"""The group of commands, and what becomes of an error."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import click

from pymargin._version import __version__
from pymargin.cli.bench import bench
from pymargin.cli.demo import demo
from pymargin.cli.explain import explain
from pymargin.cli.faults import BAD_INPUT, InputError, lines_of
from pymargin.cli.impact import impact
from pymargin.cli.levels import levels
from pymargin.cli.notice import notice
from pymargin.cli.rules import rules
from pymargin.cli.stress import stress
from pymargin.cli.verify import verify
from pymargin.errors import MarginError

__all__ = ["group", "run"]

# sysexits.h: an internal software error; apart from the codes that speak of the input.
_BUG = 70
_INTERRUPTED = 130


_LATER = {"watch": "the live monitor is not there yet; `pymargin levels` evaluates a book once"}


class _Commands(click.Group):
    """The commands; one that is to come says so."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name in _LATER:
            raise click.UsageError(f"{cmd_name}: {_LATER[cmd_name]}.", ctx)
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 done, but some account is unpriced or beyond its tiers, or a "
    "figure differs (demo gives 0 even so); 2 bad input.",
)
@click.version_option(__version__, message="pymargin %(version)s")
def group() -> None:
    """Margin levels of exchange accounts: who may trade, who is called, who is liquidated.

    Start with `pymargin demo`, which needs no files. Then give it yours:

    \b
      pymargin rules import --cross-collateral ratios.json --out rules.json
      pymargin levels book.parquet --prices prices.json --rules rules.json \\
          --out levels.parquet
      pymargin explain book.parquet 1001 --prices prices.json --rules rules.json
    """  # noqa: D301


for _command in (demo, levels, explain, stress, impact, verify, rules, notice, bench):
    group.add_command(_command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; say what is wrong with its input on stderr, without a traceback."""
    _never_fail_to_print()
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = group.main(given or ["--help"], prog_name="pymargin", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (BrokenPipeError, SystemExit):
        # The reader has gone (``pymargin ... | head``), which click answers by SystemExit.
        # Python flushes stdout again at exit, and that must not fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except click.ClickException as err:
        err.show()
        return BAD_INPUT
    except (InputError, MarginError, ImportError, OSError) as err:
        return _refuse(lines_of(err))
    except MemoryError:
        return _refuse(["there is not enough memory for so many accounts"])
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return _INTERRUPTED
    except Exception:
        traceback.print_exc()
        click.echo("this is a fault of pymargin, not of the input: please report it", err=True)
        return _BUG


def _refuse(lines: Sequence[str]) -> int:
    for start, line in zip(["error: ", *["       "] * len(lines)], lines, strict=False):
        click.echo(f"{start}{line}", err=True)
    return BAD_INPUT


def _never_fail_to_print() -> None:
    """Escape what the terminal's encoding lacks, such as an account id in another script."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
