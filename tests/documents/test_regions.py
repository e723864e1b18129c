"""Places on a page, as people write them."""

import pytest

from sigkd.documents.regions import Region, read_region, read_regions
from sigkd.errors import UsageError


def test_millimetres_and_shares_are_told_apart():
    assert read_region("92,44,54,16") == Region("signature", (92, 44, 54, 16))
    assert read_region("0.5,0.5,0.25,0.5").in_mm((200, 100)) == (100, 50, 150, 100)
    assert read_region("92,44,54,16").in_mm((200, 100)) == (92, 44, 146, 60)


def test_roles_are_given_or_counted():
    first, second, third = read_regions(["1,2,30,4", "landlord=1,2,30,4", "1,8,30,4"])
    assert (first.role, second.role, third.role) == ("signature", "landlord", "signature 3")
    with pytest.raises(UsageError, match="'buyer' is named twice"):
        read_regions(["buyer=1,2,3,4", "buyer=5,6,7,8"])


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "1,2,0,4", "-1,2,3,4", "0.6,0.5,0.5,0.1", "1,2,nan,4"])
def test_others_are_refused(text):
    with pytest.raises(UsageError, match="region"):
        read_region(text)
