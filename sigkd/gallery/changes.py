"""Changes of one enrolled writer: another name, a reference less, a note, a flag."""

from __future__ import annotations

import logging

from sigkd.errors import AlreadyEnrolledError, GalleryError, UsageError
from sigkd.gallery import audit
from sigkd.gallery.notes import Notes, note_key, open_notes, seal_notes
from sigkd.gallery.records import clean_name
from sigkd.gallery.store import Gallery

logger = logging.getLogger(__name__)

LONGEST = 2000
"""Characters of a note or of the reason of a flag."""


def rename_writer(gallery: Gallery, name: str, new: str, *, actor: str | None = None) -> None:
    """Give a writer another name. Entries of the log before it stay under the old one.

    Raises:
        NotEnrolledError: nobody has the name; AlreadyEnrolledError: somebody has the new one; UsageError: it is none.
    """
    name, new = clean_name(name), clean_name(new)
    with gallery.writing():
        writer, uid = gallery.row(name)
        if new != name and new in gallery:
            raise AlreadyEnrolledError(f"'{new}' is enrolled already: two writers cannot have one name")
        sealed = gallery.vault.seal(new.encode(), f"name:{uid}")
        gallery.connection.execute(
            "UPDATE writer SET subject = ?, name = ?, updated_at = ? WHERE id = ?",
            (gallery.subject(new), sealed, audit.now(), writer),
        )
        gallery.sign_writer(writer)
        # Twice: whoever looks for either name finds where the other entries are.
        gallery.log(actor, "rename", name, {"to": gallery.subject(new).hex()})
        gallery.log(actor, "rename", new, {"from": gallery.subject(name).hex()})
    logger.info("%s: a writer was renamed", gallery.path)
    gallery.erase()


def remove_reference(gallery: Gallery, name: str, reference: str, *, actor: str | None = None) -> bool:
    """Forget one reference of a writer.

    Args:
        gallery: open.
        name: of the writer.
        reference: its file's name, or its number as ``gallery show`` has it, from 1.
        actor: who, for the log.

    Returns:
        As :meth:`Gallery.remove`.

    Raises:
        NotEnrolledError; GalleryError: no such reference, several, or the last one.
    """
    name = clean_name(name)
    with gallery.writing():
        writer, _ = gallery.row(name)
        kept = gallery.references(name)
        places = [place for place, one in enumerate(kept) if one.name == reference]
        # A file may be called '2': names come before numbers.
        if not places and reference.isdecimal() and 1 <= int(reference) <= len(kept):
            places = [int(reference) - 1]
        if len(places) != 1:
            found = f"{len(places)} references are" if places else "no reference is"
            listed = ", ".join(f"{number} {one.name}" for number, one in enumerate(kept, 1))
            raise GalleryError(f"'{name}': {found} called '{reference}'; by number: {listed}")
        if len(kept) == 1:
            raise GalleryError(f"'{name}': the last reference; 'sigkd gallery remove' forgets the writer")
        rows = gallery.connection.execute(
            "SELECT id FROM reference WHERE writer_id = ? ORDER BY ordinal", (writer,)
        ).fetchall()
        gallery.pool_changes(writer)
        gallery.connection.execute("DELETE FROM reference WHERE id = ?", rows[places[0]])
        gallery.connection.execute("DELETE FROM template WHERE writer_id = ?", (writer,))
        gallery.connection.execute("UPDATE writer SET updated_at = ? WHERE id = ?", (audit.now(), writer))
        gallery.sign_writer(writer)
        gallery.log(actor, "forget", name, {"reference": kept[places[0]].digest[:16], "of": len(kept) - 1})
    return gallery.erase()


def notes_of(gallery: Gallery, name: str) -> Notes:
    """Return what people wrote down of a writer.

    Raises:
        NotEnrolledError: nobody has the name; GalleryError: damaged.
    """
    with gallery.reading():
        _, uid = gallery.row(clean_name(name))
        return open_notes(gallery.vault, uid, gallery.meta(note_key(uid), b""))


def write_notes(
    gallery: Gallery, name: str, *, note: str | None = None, flag: str | None = None, actor: str | None = None
) -> Notes:
    """Change what is written down of a writer; an empty text takes it away. The log says that, not what.

    Raises:
        NotEnrolledError: nobody has the name; UsageError: too long a text.
    """
    name = clean_name(name)
    for text in (note, flag):
        if text is not None and len(text) > LONGEST:
            raise UsageError(f"a note has at most {LONGEST} characters, not {len(text)}")
    with gallery.writing():
        _, uid = gallery.row(name)
        before = notes_of(gallery, name)
        after = Notes(before.note if note is None else note.strip(), before.flag if flag is None else flag.strip())
        # In the header, not the writer's row: a note is no change of what is compared, and templates stay.
        gallery.set_meta(note_key(uid), seal_notes(gallery.vault, uid, after))
        for action, given, text in (("note", note, after.note), ("flag", flag, after.flag)):
            if given is not None:
                gallery.log(actor, action, name, {"done": "written" if text else "taken away"})
    gallery.erase()
    return after
