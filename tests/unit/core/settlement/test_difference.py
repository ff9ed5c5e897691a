from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ogniwo.core.settlement.difference import NotTheNextVersionError, statement_difference


def test_equal_versions_differ_in_nothing(make_statement, make_line):
    earlier = make_statement(lines=[make_line(), make_line("network.variable", zone="day")])
    change = statement_difference(earlier, replace(earlier, version=2))
    assert change.is_empty
    assert (change.net_grosz, change.credit_grosz) == (0, 0)


def test_only_the_changed_positions_are_named(make_statement, make_line, make_flows):
    kept, old, new = make_line("fixed"), make_line(net=100, quantity=1_000), make_line(net=130, quantity=1_300)
    earlier = make_statement(lines=[kept, old], flows=make_flows(grid=1_000))
    later = make_statement(version=2, lines=[kept, new], flows=make_flows(grid=1_300))
    change = statement_difference(earlier, later)
    (line,) = change.lines
    assert (line.key.charge, line.quantity, line.net_grosz) == ("energy.active", 300, 30)
    assert (line.before, line.after) == ((old,), (new,))
    assert change.flows == (("metered_in_wh", 300), ("taken_wh", 300), ("grid_wh", 300))
    assert change.net_grosz == later.net_grosz - earlier.net_grosz == 30


def test_another_rate_zone_or_tax_is_another_position(make_statement, make_line):
    before = make_line()
    for after in (make_line(rate="501"), make_line(zone="night"), make_line(vat=8)):
        change = statement_difference(make_statement(lines=[before]), make_statement(version=2, lines=[after]))
        assert [(line.quantity, line.net_grosz) for line in change.lines] == [(-1_000, -100), (1_000, 100)]
        assert change.net_grosz == 0
        assert not change.is_empty


def test_a_grosz_moved_between_producers_is_a_difference(make_statement, make_line):
    earlier = make_statement(credit_lines=[make_line("community.credit", net=100)])
    later = make_statement(version=2, credit_lines=[make_line("community.credit", net=101)])
    change = statement_difference(earlier, later)
    assert change.credit_grosz == 1
    assert change.credits[0].quantity == 0


LINES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["", "day"]), st.integers(0, 50), st.integers(0, 50)), max_size=6
)


@given(before=LINES, after=LINES)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_earlier_and_difference_make_later(before, after, make_statement, make_line):
    def lines(rows):
        return [make_line(charge, zone=zone, quantity=quantity, net=net) for charge, zone, quantity, net in rows]

    earlier = make_statement(lines=lines(before), credit_lines=lines(after))
    later = make_statement(version=2, lines=lines(after), credit_lines=lines(before))
    change = statement_difference(earlier, later)
    assert earlier.net_grosz + change.net_grosz == later.net_grosz
    assert earlier.credit_grosz + change.credit_grosz == later.credit_grosz
    assert [-line.net_grosz for line in change.lines] == [
        {line.key: line.net_grosz for line in change.credits}[line.key] for line in change.lines
    ]


def test_statements_that_do_not_follow_one_another_are_refused(make_statement):
    first = make_statement()
    for later in (first, make_statement(version=2, point="p2")):
        with pytest.raises(NotTheNextVersionError) as refusal:
            statement_difference(first, later)
        assert refusal.value.code == "difference.not_the_next_version"
