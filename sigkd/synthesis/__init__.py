"""Made-up signatures and pages of writing, for the demo and the tests: never a real person's.

A stroke generator by the kinematic theory of handwriting (:mod:`sigkd.synthesis.lognormal`) moves a pen through the
motor plan of a made-up writer (:mod:`sigkd.synthesis.plan`); the movement becomes ink on scanned paper
(:mod:`sigkd.synthesis.render`). Everything is a function of the seed, the writer's number and the signature's or page's
number.
"""

from sigkd.synthesis.datasets import write_signature_dataset, write_text_pages
from sigkd.synthesis.pages import page_image
from sigkd.synthesis.signatures import signature_image

__all__ = ["page_image", "signature_image", "write_signature_dataset", "write_text_pages"]
