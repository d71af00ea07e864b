"""The Chinese catalogue is complete and what the sources say."""

from __future__ import annotations

import io

import pytest
from babel.messages.checkers import checkers
from babel.messages.pofile import read_po

from tests.support.catalogues import MO, PO, as_mo, as_po, merged, untranslated

pytestmark = pytest.mark.once


def test_the_catalogue_is_in_step_with_the_sources() -> None:
    """Run `make messages` and commit what it wrote."""
    assert PO.read_bytes() == as_po(merged())
    assert MO.read_bytes() == as_mo(read_po(io.BytesIO(PO.read_bytes()), locale="zh_Hans"))


def test_every_text_is_translated_with_its_placeholders() -> None:
    catalog = read_po(io.BytesIO(PO.read_bytes()), locale="zh_Hans")
    assert untranslated(catalog) == []
    for message in catalog:
        for check in checkers:
            check(catalog, message)
