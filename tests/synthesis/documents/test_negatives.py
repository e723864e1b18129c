import numpy as np
import pytest

from sigkd.errors import UsageError
from sigkd.synthesis.documents import NEGATIVES, not_a_signature


@pytest.mark.parametrize("kind", NEGATIVES.names())
def test_every_kind_varies_and_repeats_itself(kind):
    first, again, other = (not_a_signature(kind, 1, number, dpi=80) for number in (0, 0, 1))
    assert first.image.dtype == np.uint8 and np.array_equal(first.image, again.image)
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


@pytest.mark.parametrize(
    "kind", [name for name in NEGATIVES.names() if "signature" not in name and "signed-p" not in name]
)
def test_there_is_no_signature_in_them(kind):
    for number in range(2):
        assert not np.any(not_a_signature(kind, 1, number, dpi=80).layers.get("signature", 0))


def test_several_signatures_are_several():
    for number in range(3):
        assert not_a_signature("several-signatures", 1, number).layers["number"].max() >= 2


def test_unknown_kind():
    with pytest.raises(UsageError, match="Did you mean 'blank'"):
        not_a_signature("blanc")
