"""CEDAR: 55 writers, American English."""

from sigkd.datasets.layouts.base import DATASETS, Defaults, Layout

CEDAR = DATASETS.register("cedar")(
    Layout(
        title="CEDAR, 55 writers with 24 genuine signatures and 24 skilled forgeries",
        shape="full_org/original_W_N.png and full_forg/forgeries_W_N.png",
        source="http://www.cedar.buffalo.edu/NIJ/data/signatures.rar",
        genuine=r"original_(?P<writer>\d+)_(?P<number>\d+)",
        skilled=r"forgeries_(?P<writer>\d+)_(?P<number>\d+)",
        numbers=(range(1, 25), range(1, 25), None),
        writers=range(1, 56),
        largest=(730, 1042),
        defaults=Defaults(references=12, test_genuine=10, test_skilled=10),
    )
)
