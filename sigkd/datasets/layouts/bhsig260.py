"""BHSig260: Bengali and Hindi, strictly binary scans."""

from sigkd.datasets.layouts.base import DATASETS, Layout

BHSIG260 = DATASETS.register("bhsig260")(
    Layout(
        title="BHSig260, 100 Bengali and 160 Hindi writers with 24 genuine signatures and 30 skilled forgeries",
        shape="the folders Bengali and Hindi with N/B-S-N-G-KK.tif (genuine) and N/B-S-N-F-KK.tif (forged; Hindi: H-)",
        source="from its authors (Pal, Alaei, Pal and Blumenstein, DAS 2016)",
        genuine=r"(?P<writer>[BH]-S-\d+)-G-(?P<number>\d+)",
        skilled=r"(?P<writer>[BH]-S-\d+)-F-(?P<number>\d+)",
        numbers=(range(1, 25), range(1, 31), None),
        writers=260,
    )
)
