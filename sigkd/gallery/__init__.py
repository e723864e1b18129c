"""The gallery of enrolled writers: one SQLite file."""

from sigkd.gallery.records import EnrolledWriter, StoredReference
from sigkd.gallery.store import Gallery

__all__ = ["EnrolledWriter", "Gallery", "StoredReference"]
