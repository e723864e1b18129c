"""The fixed codes of all remarks, with what each says: what policies, logs and other people's programs go by."""

CODES = {
    "low-resolution": "scanned below 140 dpi, strokes of less than 2 pixels, or a tiny signature",
    "resolution-unknown": "the file does not tell its resolution",
    "resolution-doubtful": "strokes are too wide or too narrow for the stated resolution",
    "faint": "ink and paper hardly differ",
    "blurred": "out of focus, or enlarged",
    "cropped": "ink touches the edge of the image",
    "lines-removed": "printed lines were taken away",
    "print-removed": "print or a stamp was taken away",
    "print-over-ink": "print or a stamp lies over the signature",
    "ink-beside": "ink beside the rest, as in no reference: a date, an amount",
    "background-line": "a straight line across the scan, as on a form",
    "binarised": "black and white only",
    "larger-than-canvas": "cut to the middle of the model's canvas",
    "pages": "one page of several was read",
    "size": "1.6 times larger or smaller than the references",
    "copy": "the file of a reference, or nearly the same image as a reference or as an earlier query",
    "repeated": "this very file was verified against the writer before",
    "duplicate": "a reference that is a copy of another one and counts once",
    "enrolled-elsewhere": "at enrolment: the same image, or nearly, is a reference of another writer",
    "unlike-references": "black and white, twice as dark, softer ... compared with the references",
    "outside-calibration": "a scan like none of the calibration's",
    "references-disagree": "a reference that does not fit the others",
    "flagged": "the writer is flagged in the gallery",
    "few-references": "fewer references than the policy asks for",
    "format": "a kind of file that the policy does not take",
    "resolution": "a resolution that the policy does not take",
    "uncalibrated": "no calibration fits, and the policy asks for one",
}
"""What each remark says, by its code."""

NOT_COMPARABLE = frozenset(
    {
        "low-resolution",
        "resolution-doubtful",
        "blurred",
        "faint",
        "print-over-ink",
        "ink-beside",
        "unlike-references",
        "outside-calibration",
    }
)
"""Codes of remarks with which a scan is like none that the calibration knows: the answer is inconclusive."""
