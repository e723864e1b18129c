"""Pages of handwriting become signature-like training images: pages -> lines -> solid stripes of text -> crops.

Section 4.1.2 of the paper (Tsourounis et al., feature-based knowledge distillation). Each stage is a module of its own:
:mod:`~sigkd.text.layouts` (which pages, whose), :mod:`~sigkd.text.ink` (paper, ink, ruled lines),
:mod:`~sigkd.text.lines`, :mod:`~sigkd.text.stripes`, :mod:`~sigkd.text.crops`; :mod:`~sigkd.text.prepare` runs them
over a collection and :mod:`~sigkd.text.store` keeps what is finished.
"""
