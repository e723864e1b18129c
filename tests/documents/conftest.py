"""Made-up documents, made once."""

import pytest

from sigkd.synthesis.documents import make_document


@pytest.fixture(scope="session")
def contract():
    """A contract with two signatures at 150 dpi, grey, upright."""
    return make_document("contract-two", seed=5, number=1, signed=True, dpi=150.0, colour=False)


@pytest.fixture(scope="session")
def form():
    """A form that nobody signed, filled in by hand, at 150 dpi."""
    return make_document("form-lines", seed=4, number=2, signed=False, dpi=150.0, colour=False)
