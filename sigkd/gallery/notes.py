"""What people wrote down of a writer: sealed in the gallery's header, whose digest covers it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from sigkd.errors import GalleryError
from sigkd.gallery.vault import Vault


@dataclass(frozen=True)
class Notes:
    """What people wrote down of a writer."""

    note: str = ""
    flag: str = ""
    """Why the writer's answers are for a person to decide; empty: they are not."""


def note_key(uid: str) -> str:
    """Return where the header keeps a writer's notes."""
    return f"note:{uid}"


def seal_notes(vault: Vault, uid: str, notes: Notes) -> bytes:
    """Return notes as they are stored; nothing for none."""
    return b"" if notes == Notes() else vault.seal(json.dumps(asdict(notes)).encode(), note_key(uid))


def open_notes(vault: Vault, uid: str, sealed: bytes) -> Notes:
    """Return what :func:`seal_notes` stored.

    Raises:
        GalleryError: it is damaged.
    """
    if not sealed:
        return Notes()
    try:
        return Notes(**json.loads(vault.open(sealed, note_key(uid))))
    except (ValueError, TypeError) as error:
        raise GalleryError(f"a note is damaged ({type(error).__name__}): restore a backup") from None
