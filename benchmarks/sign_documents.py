"""Put real signatures on made-up documents, find them there again, and write what was taken off as a data set.

    python benchmarks/sign_documents.py ../shared/data/sigcomp2011_dutch /tmp/from-documents --writers 0:22
    sigkd evaluate --dataset /tmp/from-documents --nref 5      (beside the same writers' plain crops, --plain)

Each signature of ``WRITER/*`` and ``WRITER_forg/*`` (or ``WRITER/genuine`` and ``WRITER/forgery``) is set into the
field of a held-out layout in its own size. What is found where it is, is written as ``OUT/WRITER/KIND/NAME.png``; what
is not found is counted and left out. Research data: never commit what this writes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from bench_locate import iou
from PIL import Image

from sigkd.documents.locate import locate
from sigkd.documents.locations import write_crop
from sigkd.images.reader import read_file
from sigkd.synthesis.disturbances import parse_chain
from sigkd.synthesis.disturbances.scan import Scan, signature_boxes
from sigkd.synthesis.documents import make_document

KINDS = ("cheque-cells", "letter-two", "contract-columns", "form-slip", "envelope-flap")


def signatures(root):
    """Yield writer, kind and files."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.endswith("_forg")):
        if (folder / "genuine").is_dir():
            parts = {"genuine": folder / "genuine", "forgery": folder / "forgery"}
        else:
            parts = {"genuine": folder, "forgery": folder.with_name(f"{folder.name}_forg")}
        yield folder.name, {kind: sorted(p.glob("*.*")) if p.is_dir() else [] for kind, p in parts.items()}


def main():
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--writers", default="0:")
    parser.add_argument("--most", type=int, default=100, help="of each kind a writer")
    parser.add_argument("--dpi", type=float, default=400.0, help="of files without a tag")
    parser.add_argument("--chain", help="what happens to the documents")
    parser.add_argument("--plain", action="store_true", help="write the signatures as they are, with the resolution")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    first, last = (int(part) if part else None for part in arguments.writers.split(":"))
    counts = {"genuine": [0, 0], "forgery": [0, 0]}
    number = 0
    for writer, parts in list(signatures(arguments.source))[first:last]:
        for kind, files in parts.items():
            for path in files[: arguments.most]:
                number += 1
                target = arguments.out / writer / kind / f"{path.stem}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                file = read_file(path)
                x, y = (file.resolution.x or arguments.dpi, file.resolution.y or arguments.dpi)
                counts[kind][0] += 1
                if arguments.plain:
                    Image.fromarray(file.grey).save(target, dpi=(x, y))
                    counts[kind][1] += 1
                    continue
                made = make_document(
                    KINDS[number % len(KINDS)], 7, number, signatures=[Scan(file.grey, (x, y), (x, y))], colour=False
                ).scan
                if arguments.chain:
                    made = parse_chain(arguments.chain)(made, 7, number)
                true = next(iter(signature_boxes(made).values()), None)
                found = locate(made.image, dpi=made.tag)[0].signatures
                overlaps = [iou(np.array(one.box), np.array(true)) for one in found] if true else []
                if overlaps and max(overlaps) >= 0.4:
                    counts[kind][1] += 1
                    write_crop(target, found[int(np.argmax(overlaps))], clean=True)
        print(f"{writer}: {counts}", flush=True)


if __name__ == "__main__":
    main()
