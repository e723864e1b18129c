"""The known signature datasets, one file each; importing this package fills :data:`DATASETS`."""

from sigkd.datasets.layouts import bhsig260, brazilian, cedar, csv, folder, gpds300, mcyt75, sigcomp2011, utsig
from sigkd.datasets.layouts.base import (
    DATASETS,
    KINDS,
    Defaults,
    Kind,
    Layout,
    SignatureRecord,
    SignatureSet,
    scan_dataset,
)

__all__ = [
    "DATASETS",
    "KINDS",
    "Defaults",
    "Kind",
    "Layout",
    "SignatureRecord",
    "SignatureSet",
    "bhsig260",
    "brazilian",
    "cedar",
    "csv",
    "folder",
    "gpds300",
    "mcyt75",
    "scan_dataset",
    "sigcomp2011",
    "utsig",
]
