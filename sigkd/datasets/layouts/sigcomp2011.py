"""SigComp2011, Dutch: the competition's offline signatures; counts differ from writer to writer."""

from sigkd.datasets.layouts.base import DATASETS, Layout

SIGCOMP2011 = DATASETS.register("sigcomp2011")(
    Layout(
        title="SigComp2011 (Dutch), writers with 12 to 24 genuine signatures and 8 to 20 skilled forgeries",
        shape="a folder WWW (genuine) and a folder WWW_forg (forged) for each writer",
        source="from IAPR TC11: http://www.iapr-tc11.org/mediawiki/index.php/ICDAR_2011_Signature_Verification_Competition_(SigComp2011)",
        genuine=r"(?P<writer>\d+)/[^/]+",
        skilled=r"(?P<writer>\d+)_forg/[^/]+",
        numbers=(1, 1, None),
    )
)
