"""The gallery of enrolled writers: one SQLite file."""

from sigkd.verification.gallery.records import EnrolledWriter, StoredReference
from sigkd.verification.gallery.store import Gallery

__all__ = ["EnrolledWriter", "Gallery", "StoredReference"]
