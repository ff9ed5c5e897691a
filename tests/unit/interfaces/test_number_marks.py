"""Numbers on pages: the marks of each language, as Django writes them."""

from decimal import Decimal

import pytest
from django.utils.formats import number_format
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.interfaces.web.templatetags.console import decimal_text


@given(value=st.integers(-(10**15), 10**15), decimals=st.integers(0, 11), language=st.sampled_from(["pl", "en", None]))
def test_a_number_is_written_as_django_writes_it(value, decimals, language):
    with override(language):
        exact = Decimal(value).scaleb(-decimals)
        assert decimal_text(value, decimals=decimals) == number_format(
            exact, decimal_pos=decimals, use_l10n=True, force_grouping=True
        )


@pytest.mark.parametrize(
    ("language", "written"), [("pl", "-1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567,05"), ("en", "-1,234,567.05")]
)
def test_the_marks_are_those_of_the_language(language, written):
    with override(language):
        assert decimal_text(-123_456_705, decimals=2) == written
        assert decimal_text(-5, decimals=2) in {"-0,05", "-0.05"}
