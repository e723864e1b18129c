"""What is refused as no signature, by name: made-up pictures of every kind of `sigkd.synthesis`, and signatures.

    python benchmarks/bench_refusals.py --count 3

With the research data of ../shared or $SIGKD_SHARED the signatures are every tenth of sigcomp2011_dutch and
sigcomp2009_nfi, else made-up ones.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path

import numpy as np

from sigkd.errors import ImageError
from sigkd.images.reader import read_image
from sigkd.images.refusal import NotASignatureError
from sigkd.images.scan import read_scan
from sigkd.synthesis import signature_image
from sigkd.synthesis.documents.negatives import NEGATIVES, not_a_signature
from sigkd.synthesis.signatures import DPI


def outcome(image, dpi):
    """Return the reason of the refusal, ``unreadable``, or ``read``."""
    try:
        read_scan(np.ascontiguousarray(image), dpi=dpi)
    except NotASignatureError as error:
        return error.reason
    except ImageError:
        return "unreadable"
    return "read"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3, help="pictures of each kind")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    total, read = 0, 0
    for kind in NEGATIVES:
        found = Counter()
        for number in range(chosen.count):
            scan = not_a_signature(kind, chosen.seed, number)
            found[outcome(scan.image, scan.dpi[0])] += 1
        total, read = total + chosen.count, read + found["read"]
        print(f"{kind:22s} {', '.join(f'{name} {count}' for name, count in found.most_common())}", flush=True)
    print(f"no signatures: {total - read} of {total} refused by name")

    root = Path(os.environ.get("SIGKD_SHARED", "../shared")) / "data"
    files = [(file, 400) for file in sorted(root.glob("sigcomp2011_dutch/*/*.png"))[::10]]
    files += [(file, 600) for file in sorted(root.glob("sigcomp2009_nfi/*/*/*.png"))[::10]]
    pictures = [(read_image(file), dpi) for file, dpi in files]
    pictures = pictures or [(signature_image(writer, 0, seed=chosen.seed), DPI) for writer in range(200)]
    found = Counter(outcome(image, dpi) for image, dpi in pictures)
    print(f"{'' if files else 'made-up '}signatures: {found['read']} of {len(pictures)} read; {dict(found)}")


if __name__ == "__main__":
    main()
