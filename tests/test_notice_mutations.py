"""Notices that lost a sign, a cell or a row: never another table in silence."""

from __future__ import annotations

import notices_mutations
import pytest
from notices_texts import own_notices

# Enough to hit every kind in every layout; the script does all of them.
MOST = 2_500


@pytest.fixture(scope="module")
def tally():
    return notices_mutations.tally(own_notices(per_layout=3), most=MOST)


def test_nothing_is_read_wrongly_in_silence(tally):
    assert tally.forbidden() == {}


def test_every_kind_of_loss_was_tried(tally):
    kinds = {kind for kind, _ in tally.counts}
    assert {"digit dropped", "comma lost", "rate cell gone", "row gone", "NA cell gone"} <= kinds
    assert tally.total() > MOST * 0.9


def test_most_losses_are_noticed(tally):
    """The count cannot pass by finding everything the same."""
    noticed = sum(count for (_, what), count in tally.counts.items() if what == "problem")
    assert noticed > tally.total() / 2


def test_a_changed_table_without_a_problem_counts_as_silent():
    from pymargin.notices import read_notice

    texts = own_notices(per_layout=1)
    whole = read_notice(texts[-1])
    other = read_notice(own_notices(per_layout=2)[-1])
    assert notices_mutations.outcome(whole, whole) == "same"
    assert notices_mutations.outcome(whole, other) not in ("same", "problem")
