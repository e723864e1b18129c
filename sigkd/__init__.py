"""sigkd: offline handwritten signature verification and the distillation of its networks on handwritten text.

Importing the package loads nothing heavy; the public Python interface is resolved on first use. Services can listen to
the loggers below ``sigkd``, one a module: they name models, files and counts, never a writer, a score or a passphrase.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sigkd._version import __version__

if TYPE_CHECKING:
    from sigkd.documents.locate import locate
    from sigkd.verification.choices import Choices
    from sigkd.verification.verifier import Verifier

__all__ = ["Choices", "Verifier", "__version__", "locate"]

logging.getLogger("sigkd").addHandler(logging.NullHandler())  # silent unless the program that uses it listens


def __getattr__(name: str) -> object:
    """Import the public classes on first use, so that ``import sigkd`` and ``sigkd --help`` stay fast."""
    if name == "Choices":
        from sigkd.verification.choices import Choices

        return Choices
    if name == "locate":
        from sigkd.documents.locate import locate

        return locate
    if name == "Verifier":
        from sigkd.verification.verifier import Verifier

        return Verifier
    raise AttributeError(f"module 'sigkd' has no attribute {name!r}")
