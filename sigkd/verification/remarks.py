"""What an examiner would say about a comparison: unlike sizes, a copied file, references that disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sigkd.gallery.queries import EarlierQuery
from sigkd.gallery.records import StoredReference
from sigkd.images.copies import COPY, most_alike
from sigkd.images.ink_measures import InkMeasures
from sigkd.images.remarks import TAKEN, Remark
from sigkd.images.scan_facts import ScanFacts
from sigkd.verification.samples import Sample

SIZE_RATIO = 1.6
"""Largest ratio of sizes between the query and the references that passes without a remark."""


def size_remark(query: InkMeasures, references: Sequence[InkMeasures]) -> Remark | None:
    """Return a remark where the query is much larger or smaller than the references (medians of width and height)."""
    if not references:
        return None
    width = query.width / max(float(np.median([one.width for one in references])), 1.0)
    height = query.height / max(float(np.median([one.height for one in references])), 1.0)
    # The mean of both on a log scale: a hand that writes wider and flatter has not changed its size.
    ratio = float(np.sqrt(width * height))
    if 1 / SIZE_RATIO <= ratio <= SIZE_RATIO:
        return None
    word = "larger" if ratio > 1 else "smaller"
    times = max(ratio, 1 / ratio)
    return Remark("size", f"{times:.1f} times {word} than the references: another scanning resolution?")


BESIDE = 0.06
"""Share of the ink that may stand beside the rest, more than in any reference, where lines or print were taken away, as
on forms and cheques with their dates and amounts. Chosen on Dutch writers 22:43 and sigcomp2009_nfi."""


def beside_remark(query: ScanFacts | None, references: Sequence[ScanFacts | None]) -> Remark | None:
    """Return a remark where ink stands beside the rest as in no reference, on a scan with lines or print.

    A signature on plain paper may have a part that others of the writer lack.

    Args:
        query: what is kept of the scan; None: it is not known.
        references: likewise.
    """
    known = [one for one in references if one is not None]
    if query is None or not known or len(known) < len(references):
        return None
    share, least = query.beside, max(one.beside for one in known)
    if query.measures.lines + query.measures.print <= TAKEN or share <= least + BESIDE:
        return None
    text = "of the ink stands beside the rest, as in no reference: a date, an amount, somebody else's?"
    return Remark("ink-beside", f"{share:.0%} {text} Crop the signature")


def copied(sample: Sample, digests: Sequence[str], scans: Sequence[ScanFacts | None]) -> tuple[int, float] | None:
    """Return which reference a signature is a copy of, and how alike they are; 1 for the very file.

    Args:
        sample: the signature.
        digests: of the references' files.
        scans: what is kept of the references' scans.
    """
    if sample.digest and sample.digest in digests:
        return digests.index(sample.digest), 1.0
    if sample.scan is None:
        return None
    # Other bytes may still be the same ink: saved again, cropped, turned. A picture of the ink tells.
    pictures = [(place, scan.picture) for place, scan in enumerate(scans) if scan is not None]
    best, alike = most_alike(sample.scan.picture, [picture for _, picture in pictures])
    return None if alike < COPY else (pictures[best][0], alike)


def copy_remark(sample: Sample, digests: Sequence[str], scans: Sequence[ScanFacts | None]) -> Remark | None:
    """Return a remark where the query is the file of a reference, or nearly the same image; see :func:`copied`."""
    found = copied(sample, digests, scans)
    if found is None:
        return None
    place, alike = found
    if sample.digest and digests[place] == sample.digest:
        return Remark("copy", f"identical to reference {place + 1}: a copied file, not another signature")
    return Remark(
        "copy",
        f"lies on reference {place + 1} nearly everywhere (similarity {alike:.2f}): nobody signs twice so alike; one "
        "is a copy of the other",
    )


def earlier_remarks(sample: Sample, earlier: Sequence[EarlierQuery]) -> list[Remark]:
    """Return remarks where a query nearly is one that came before (``copy``), or where it is its file (``repeated``).

    A file that is asked about again is compared with what came before its first time: the same question gets the same
    answer.

    Args:
        sample: the query.
        earlier: those that were verified against this writer before, the first one first.
    """
    first = next((place for place, one in enumerate(earlier) if one.digest == sample.digest), None)
    remarks = []
    # Only what came before its first time, else the second answer to one question would differ from the first.
    pictured = [(one, one.picture) for one in earlier[:first] if one.picture is not None]
    if sample.scan is not None and pictured:
        best, alike = most_alike(sample.scan.picture, [picture for _, picture in pictured])
        if alike >= COPY:
            found = pictured[best][0]
            text = (
                f"lies nearly everywhere (similarity {alike:.2f}) on the query of {_when(found)}, hash "
                f"{found.digest[:16]}: nobody signs twice so alike; a copy, or the same paper scanned again"
            )
            remarks.append(Remark("copy", text))
    if first is not None:
        when = _when(earlier[first])
        remarks.append(Remark("repeated", f"this very file was verified before, first on {when}: no further signature"))
    return remarks


def _when(query: EarlierQuery) -> str:
    return f"{query.at[:10]} {query.at[11:16]} UTC"


def distinct(samples: Sequence[Sample], enrolled: Sequence[StoredReference] = ()) -> tuple[list[Sample], list[Remark]]:
    """Return the references without copies of earlier ones, and a remark for each that was left out.

    Args:
        samples: the references.
        enrolled: those that they come to.
    """
    kept: list[Sample] = []
    remarks = []
    for sample in samples:
        # A copy adds no knowledge of the writer, but narrows what the classifier takes for usual.
        before: list[Sample | StoredReference] = [*enrolled, *kept]
        found = copy_remark(sample, [one.digest for one in before], [one.scan for one in before])
        if found is None:
            kept.append(sample)
        else:
            remarks.append(Remark("duplicate", f"{sample.name} counts once: {found.text}"))
    return kept, remarks


ODD = 0.02
"""Share of honest writers of whom a reference would be said not to fit, were scores of the calibration those of
references against each other. They are not quite, and about one writer in twenty is told (chosen on Dutch writers 22:43
by ``benchmarks/references_disagree.py``)."""


def odd_reference_limit(genuine: NDArray[np.float64], references: int) -> float:
    """Return the score below which a reference does not fit the others.

    The lowest of r scores of genuine signatures lies below the quantile 1 - (1 - a)^(1 / r) of one of them with the
    probability a (of independent ones; signatures of a writer are not, and then it is less).

    Args:
        genuine: scores of genuine signatures against one reference fewer [n].
        references: r, each of which is compared with the others.
    """
    return float(np.quantile(genuine, 1 - (1 - ODD) ** (1 / references), method="lower"))


def odd_references(agreement: NDArray[np.floating], least: float | None) -> list[int]:
    """Return the places of references that do not fit the others.

    Args:
        agreement: each reference's score against the others [r] (empty for fewer than three).
        least: the score below which a reference does not fit; None: that is not known.
    """
    return [] if least is None else [int(place) for place in np.flatnonzero(np.asarray(agreement) < least)]


def disagreement_remark(agreement: NDArray[np.floating], least: float | None) -> Remark | None:
    """Return a remark where references do not fit the others; see :func:`odd_references`."""
    odd = [place + 1 for place in odd_references(agreement, least)]
    if not odd:
        return None
    which = f"reference {odd[0]} does" if len(odd) == 1 else f"references {', '.join(map(str, odd))} do"
    return Remark("references-disagree", f"{which} not fit the other references: check that they are the same person's")
