"""MCYT-75: the offline part of the Spanish MCYT baseline corpus."""

from sigkd.datasets.layouts.base import DATASETS, Defaults, Layout

MCYT75 = DATASETS.register("mcyt75")(
    Layout(
        title="MCYT-75, 75 writers with 15 genuine signatures and 15 skilled forgeries",
        shape="a folder WWWW for each writer with WWWWvNN.bmp (genuine) and WWWWfNN.bmp (forged)",
        source="on request from the BiDA Lab (formerly ATVS), Universidad Autonoma de Madrid",
        genuine=r"(?P<writer>\d+)/(?P=writer)v(?P<number>\d+)",
        skilled=r"(?P<writer>\d+)/(?P=writer)f(?P<number>\d+)",
        numbers=(15, 15, None),
        writers=75,
        largest=(600, 850),
        defaults=Defaults(references=10, test_genuine=5, test_skilled=15),
    )
)
