"""Brazilian PUC-PR: the first 60 of 168 writers, those with forgeries."""

from sigkd.datasets.layouts.base import DATASETS, Layout

BRAZILIAN = DATASETS.register("brazilian")(
    Layout(
        title="Brazilian PUC-PR, 60 writers with 40 genuine signatures, 10 simple and 10 skilled forgeries",
        shape="aWWW_NN.jpg: 01-40 genuine, 41-50 simple, 51-60 skilled forgeries",
        source="on request from PPGIA, Pontificia Universidade Catolica do Parana",
        genuine=r"a(?P<writer>\d+)_(?P<number>0?[1-9]|[123]\d|40)",
        skilled=r"a(?P<writer>\d+)_(?P<number>5[1-9]|60)",
        simple=r"a(?P<writer>\d+)_(?P<number>4[1-9]|50)",
        numbers=(range(1, 41), range(51, 61), range(41, 51)),
        writers=range(1, 61),
        largest=(700, 1000),
    )
)
