"""Made-up documents that carry signatures, with the truth of every pixel.

:func:`make_document` prints a page (cheque, letter, form, contract, ballot envelope, card), fills it in by hand and has
it signed, by writers who do not exist or with signatures that are given. Disturb the result to make it a photo or a
fax: the truth moves along.

Example::

    document = make_document("cheque", seed=1, number=5)
    photo = parse_chain("phone-photo")(document.scan, seed=1)
    signature_boxes(photo)  # {1: (left, top, right, bottom)}
"""

from sigkd.synthesis.documents import cards, cheques, contracts, envelopes, forms, letters  # noqa: F401  (register)
from sigkd.synthesis.documents.layouts import LAYOUTS, Layout
from sigkd.synthesis.documents.make import Document, kinds, make_document
from sigkd.synthesis.documents.negatives import NEGATIVES, not_a_signature
from sigkd.synthesis.documents.page import Field

__all__ = ["LAYOUTS", "NEGATIVES", "Document", "Field", "Layout", "kinds", "make_document", "not_a_signature"]
