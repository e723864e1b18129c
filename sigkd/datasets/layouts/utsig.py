"""UTSig: Persian signatures of 115 writers."""

from sigkd.datasets.layouts.base import DATASETS, Layout

UTSIG = DATASETS.register("utsig")(
    Layout(
        title="UTSig (Persian), 115 writers with 27 genuine signatures and 6 skilled forgeries",
        shape="Genuine/W/N.tif and Forgery/Skilled/W/N.tif (and Forgery/Simple/W/N.tif)",
        source="from the MLCM Lab, University of Tehran: http://mlcm.ut.ac.ir/Datasets.html",
        genuine=r"Genuine/(?P<writer>\d+)/(?P<number>\d+)",
        skilled=r"Skilled/(?P<writer>\d+)/(?P<number>\d+)",
        simple=r"Simple/(?P<writer>\d+)/(?P<number>\d+)",
        numbers=(range(1, 28), range(1, 7), None),
        writers=range(1, 116),
        largest=(1440, 1825),
    )
)
