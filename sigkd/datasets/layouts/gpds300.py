"""GPDS-300: the first 300 numbers of GPDSsignature, on which papers report."""

from sigkd.datasets.layouts.base import DATASETS, Defaults, Layout

GPDS300 = DATASETS.register("gpds300")(
    Layout(
        title="GPDS-300, grey scans of writers 1 to 300 with 24 genuine signatures and 30 skilled forgeries",
        shape="a folder WWW for each writer with c-WWW-NN.png|jpg (genuine) and cf-WWW-NN.png|jpg (forged)",
        source="on request from GPDS, Universidad de Las Palmas de Gran Canaria: https://gpds.ulpgc.es",
        genuine=r"(?P<writer>\d+)/c-(?P=writer)-(?P<number>\d+)",
        skilled=r"(?P<writer>\d+)/cf-(?P=writer)-(?P<number>\d+)",
        numbers=(range(1, 25), range(1, 31), None),
        writers=253,
        highest_writer=300,
        largest=(952, 1360),
        defaults=Defaults(references=12, test_genuine=10, test_skilled=10),
    )
)
