"""sigkd: offline handwritten signature verification and the distillation of its networks on handwritten text.

Importing the package loads nothing heavy; the public Python interface is resolved on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sigkd._version import __version__

if TYPE_CHECKING:
    from sigkd.verification.verifier import Verifier

__all__ = ["Verifier", "__version__"]


def __getattr__(name: str) -> object:
    """Import the public classes on first use, so that ``import sigkd`` and ``sigkd --help`` stay fast."""
    if name == "Verifier":
        from sigkd.verification.verifier import Verifier

        return Verifier
    raise AttributeError(f"module 'sigkd' has no attribute {name!r}")
