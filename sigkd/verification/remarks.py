"""What an examiner would say about a comparison: unlike sizes, a copied file, references that disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sigkd.images.ink_measures import InkMeasures
from sigkd.images.remarks import Remark

SIZE_RATIO = 1.6
"""Largest ratio of sizes between the query and the references that passes without a remark."""


def size_remark(query: InkMeasures, references: Sequence[InkMeasures]) -> Remark | None:
    """Return a remark where the query is much larger or smaller than the references (medians of width and height)."""
    if not references:
        return None
    width = query.width / max(float(np.median([one.width for one in references])), 1.0)
    height = query.height / max(float(np.median([one.height for one in references])), 1.0)
    ratio = float(np.sqrt(width * height))
    if 1 / SIZE_RATIO <= ratio <= SIZE_RATIO:
        return None
    word = "larger" if ratio > 1 else "smaller"
    times = max(ratio, 1 / ratio)
    return Remark("size", f"{times:.1f} times {word} than the references: another scanning resolution?")


def copy_remark(digest: str, references: Sequence[str]) -> Remark | None:
    """Return a remark where the query is the very file of a reference."""
    if digest and digest in references:
        return Remark(
            "copy", f"identical to reference {references.index(digest) + 1}: a copied file, not another signature"
        )
    return None


def disagreement_remark(agreement: NDArray[np.floating], reject: float) -> Remark | None:
    """Return a remark where references would be rejected by the others.

    Args:
        agreement: each reference's score against the others [r] (empty for fewer than three).
        reject: the score below which a query is rejected.
    """
    odd = [place + 1 for place in np.flatnonzero(np.asarray(agreement) < reject).tolist()]
    if not odd:
        return None
    which = f"reference {odd[0]} does" if len(odd) == 1 else f"references {', '.join(map(str, odd))} do"
    return Remark("references-disagree", f"{which} not fit the other references: check that they are the same person's")
