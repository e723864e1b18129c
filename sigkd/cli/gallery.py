"""``sigkd gallery``: look after enrolled writers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import group
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import CacheDir, DataDir, Decorator, Device, Json, Model, in_place_of
from sigkd.cli.output import as_options, counted, error_line, note_line, print_table, warning_line
from sigkd.cli.output import show as tell  # a command is called show

if TYPE_CHECKING:
    from sigkd.gallery import Gallery

gallery_app = group("gallery", "List, show, rename, flag, remove, move, check and rekey enrolled writers.")


@dataclass(frozen=True)
class Place:
    """Which gallery, who looks after it, and how to answer."""

    gallery: Path | None
    passphrase_file: Path | None
    data_dir: Path | None
    json: bool
    actor: str | None = None

    def opened(self) -> Gallery:
        """Open the gallery, asking for its passphrase where it is encrypted; its policy may forbid another name."""
        from sigkd.cli.verification import opened
        from sigkd.verification.policy import check_actor

        store = opened(self.gallery, self.data_dir, self.passphrase_file)
        check_actor(store, self.actor)
        return store


def with_place(*, actor: bool = True) -> Decorator:
    """Return a decorator that puts the options of :class:`Place` in the place of a function's ``place``."""
    file = typer.Option("--gallery", help="The gallery's file.", show_default="gallery.sigkd in the data directory")
    options = {
        "gallery": (Annotated[Path | None, file], None),
        "passphrase_file": (Annotated[Path | None, typer.Option(help="Passphrase: the first line of a file.")], None),
        "actor": (Annotated[str | None, typer.Option(help="Who, for the log.", show_default="the user")], None),
        "data_dir": (DataDir, None),
        "json": (Json, False),
    }
    if not actor:  # what only reads is not asked who does it
        del options["actor"]
    return in_place_of("place", options, lambda values: Place(**values))


@gallery_app.command("list", cls=SigkdCommand)
@with_place(actor=False)
def list_writers(
    pattern: Annotated[
        str | None,
        typer.Argument(help="Only names with this in them (*, ?: anything).", show_default="all"),
    ] = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only writers with a flag.")] = False,
    table: Annotated[Path | None, typer.Option("--csv", help="Write them as a table, too.")] = None,
    *,
    place: Place,
) -> None:
    """List the enrolled writers.

    Example: sigkd gallery list "ada*" --csv ada.csv
    """
    from sigkd.cli.verification import write_writers, writers_table
    from sigkd.gallery.results import list_writers as found

    with place.opened() as store:
        document = found(store, pattern, flagged=flagged)
    if table is not None:
        write_writers(table, document)
    tell(document, place.json, writers_table)


@gallery_app.command("show", cls=SigkdCommand)
@with_place(actor=False)
def show(name: str, *, place: Place) -> None:
    """Show a writer's references and the log's entries of the writer (also of a removed one)."""
    from sigkd.cli.verification import log_table, references_table
    from sigkd.gallery.results import show_writer

    with place.opened() as store:
        document = show_writer(store, name)
    if document.writer is not None and not place.json:
        print_table(references_table(document.writer, document.references))
    tell(document, place.json, lambda found: log_table(found.log))


@gallery_app.command("remove", cls=SigkdCommand)
@with_place()
def remove(
    name: str,
    reference: Annotated[
        str | None, typer.Option(help="Only this reference: its file's name, or its number in 'gallery show'.")
    ] = None,
    *,
    place: Place,
) -> None:
    """Forget a writer, or one reference: features, templates and images are overwritten in the file."""
    from sigkd.gallery.changes import remove_reference
    from sigkd.gallery.maintenance import STILL_READ
    from sigkd.gallery.results import GalleryRemoval

    with place.opened() as store:
        if reference is not None:
            erased = remove_reference(store, name, reference, actor=place.actor)
            _tell_change(store, name, place, f"removed '{reference}'", erased=erased)
            return
        erased = store.remove(name, actor=place.actor)
        left = len(store)
    if not erased:
        warning_line(STILL_READ)
    document = GalleryRemoval(removed=name, erased=erased, writers=left)
    tell(document, place.json, f"removed {name}; {counted(left, 'writer')} left")


@gallery_app.command("rename", cls=SigkdCommand)
@with_place()
def rename(name: str, new: str, *, place: Place) -> None:
    """Give a writer another name; entries of the log before it stay under the old one.

    Example: sigkd gallery rename "Ada Byron" "Ada Lovelace"
    """
    from sigkd.gallery.changes import rename_writer

    with place.opened() as store:
        rename_writer(store, name, new, actor=place.actor)
        _tell_change(store, new, place, f"was {name}")


@gallery_app.command("note", cls=SigkdCommand)
@with_place()
def note(
    name: str, text: Annotated[str, typer.Argument(help='What to write down; "" takes it away.')], *, place: Place
) -> None:
    """Write something down of a writer: 'gallery show' and 'list --csv' have it.

    Example: sigkd gallery note "Ada Lovelace" "signs with the left hand since May"
    """
    _annotate(place, name, "note written" if text.strip() else "note taken away", note=text)


@gallery_app.command("flag", cls=SigkdCommand)
@with_place()
def flag(
    name: str, reason: Annotated[str, typer.Argument(help='Why; "" takes the flag away.')], *, place: Place
) -> None:
    """Flag a writer: every answer says why, and a person decides (unless the policy says otherwise).

    Example: sigkd gallery flag "Ada Lovelace" "cheque book stolen"
    """
    _annotate(place, name, "flagged" if reason.strip() else "flag taken away", flag=reason)


def _annotate(place: Place, name: str, done: str, **texts: str) -> None:
    from sigkd.gallery.changes import write_notes

    with place.opened() as store:
        write_notes(store, name, **texts, actor=place.actor)
        _tell_change(store, name, place, done)


def _tell_change(store: Gallery, name: str, place: Place, done: str, *, erased: bool = True) -> None:
    from sigkd.gallery.maintenance import STILL_READ
    from sigkd.gallery.results import GalleryChange

    if not erased:
        warning_line(STILL_READ)
    (writer,) = store.writers(name)
    text = f"{writer.name}: {done}; {counted(writer.references, 'reference')}"
    tell(GalleryChange(gallery=store.path, writer=writer, erased=erased), place.json, text)


@gallery_app.command("export", cls=SigkdCommand)
@with_place()
def export(
    out: Annotated[Path, typer.Argument(help="The archive (.npz).")],
    writers: Annotated[list[str] | None, typer.Option("--writer", help="Only these.", show_default="all")] = None,
    images: Annotated[bool, typer.Option("--images", help="With the images that were kept.")] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Agree that an encrypted gallery is exported unencrypted.")
    ] = False,
    *,
    place: Place,
) -> None:
    """Write writers to a portable archive (not encrypted)."""
    from sigkd.gallery.results import GalleryExport
    from sigkd.gallery.transfer import export_writers

    with place.opened() as store:
        count = export_writers(store, out, writers, images=images, plain=plain, actor=place.actor)
    tell(GalleryExport(out=out, writers=count), place.json, f"{out}: {counted(count, 'writer')}")


@gallery_app.command("import", cls=SigkdCommand)
@with_place()
def import_(
    archive: Annotated[Path, typer.Argument(help="An archive of 'gallery export'.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace writers who are enrolled already.")] = False,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Make a new gallery encrypted.")] = False,
    *,
    place: Place,
) -> None:
    """Enrol the writers of an archive: all or, on any error, none."""
    from sigkd.cli.verification import gallery_path, passphrase_for
    from sigkd.gallery import Gallery
    from sigkd.gallery.results import GalleryImport
    from sigkd.gallery.transfer import import_writers, read_export
    from sigkd.verification.policy import check_actor

    read_export(archive)
    file = gallery_path(place.gallery, place.data_dir)
    passphrase = passphrase_for(file, place.passphrase_file, new=encrypt)
    with Gallery.create(file, passphrase=passphrase, actor=place.actor) as store:
        check_actor(store, place.actor)
        count = import_writers(store, archive, mode="replace" if replace else "new", actor=place.actor)
        total = len(store)
    document = GalleryImport(gallery=file, imported=count, writers=total)
    tell(document, place.json, f"{file}: {counted(count, 'writer')} imported; {total} in all")


@gallery_app.command("check", cls=SigkdCommand)
@with_place(actor=False)
def check(
    expect: Annotated[
        str | None, typer.Option(help="A head of the log that was noted earlier: it must still be in the log.")
    ] = None,
    *,
    place: Place,
) -> None:
    """Check structure, every stored value, the log, and who may read the file. Exit code 4 where something is wrong.

    Example: sigkd gallery check --expect 0123456789abcdef
    """
    from sigkd.cli.progress import console_progress
    from sigkd.errors import ExitCode
    from sigkd.gallery.maintenance import check as examine

    with place.opened() as store:
        health = examine(store, expect=expect, progress=console_progress())
        path = store.path
    for remark in health.remarks:
        warning_line(remark)
    counts = (
        f"{health.writers} writers, {health.references} references, {health.queries} queries, "
        f"{health.log_entries} log entries"
    )
    if place.json or health.ok:
        tell(health, place.json, f"{path}: sound; {counts}\nhead of the log: {health.log_head or 'none'}")
    if health.ok and not place.json:
        note_line(f"note: {as_options(health.proof)}")
    if not health.ok:
        for problem in () if place.json else health.problems:
            error_line(f"{path}: {problem}")
        raise typer.Exit(int(ExitCode.INPUT))


@gallery_app.command("rekey", cls=SigkdCommand)
@with_place()
def rekey(
    model: Model = None,
    new_model: Annotated[
        bool, typer.Option("--extract", help="Extract again with the default model.", hidden=True)
    ] = False,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt, or change the passphrase.")] = False,
    decrypt: Annotated[bool, typer.Option("--decrypt", help="Take the encryption off.")] = False,
    new_passphrase_file: Annotated[Path | None, typer.Option(help="The new passphrase, with --encrypt.")] = None,
    device: Device = "auto",
    cache_dir: CacheDir = None,
    *,
    place: Place,
) -> None:
    """Extract all features with another model (--model, where images were kept), or change the encryption.

    Example: sigkd gallery rekey --model sigkd-resnet18
    """
    from sigkd.cli.progress import console_progress
    from sigkd.cli.verification import read_passphrase
    from sigkd.errors import UsageError
    from sigkd.gallery.maintenance import rekey_passphrase
    from sigkd.gallery.results import GalleryRekey
    from sigkd.verification.enrolled import rekey_gallery

    wants_model = model is not None or new_model
    if wants_model + encrypt + decrypt != 1:
        raise UsageError("say one of --model M, --encrypt or --decrypt")
    left: list[str] = []
    with place.opened() as store:
        if wants_model:
            from sigkd.verification.choices import Choices
            from sigkd.verification.verifier import Verifier

            progress = console_progress()
            choices = Choices(model, device=device, data=place.data_dir, cache=cache_dir, progress=progress)
            verifier = Verifier(choices)
            count, left = rekey_gallery(store, verifier, actor=place.actor, progress=progress)
            done = f"{count} references extracted again with {verifier.model.name}"
        elif encrypt:
            passphrase = read_passphrase(
                new_passphrase_file, prompt="New passphrase: ", confirm=True, environment=False
            )
            left = rekey_passphrase(store, passphrase, actor=place.actor)
            done = "encrypted under the new passphrase"
        else:
            left = rekey_passphrase(store, None, actor=place.actor)
            done = "no longer encrypted"
        path = store.path
    for remark in left:
        warning_line(f"{path}: {remark}")
    tell(GalleryRekey(gallery=path, done=done, left=left), place.json, f"{path}: {done}")


@gallery_app.command("settings", cls=SigkdCommand)
@with_place()
def settings(
    dpi: Annotated[
        str | None, typer.Option(help="Resolution of scans that do not tell theirs (of models of views), or none.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="A policy's file: the rule of all answers from this gallery; or none.")
    ] = None,
    *,
    place: Place,
) -> None:
    """Show the gallery's settings, or change them.

    Example: sigkd gallery settings --policy counter.toml
    """
    from sigkd.errors import UsageError
    from sigkd.gallery.results import GallerySettings
    from sigkd.verification.policy import bind_policy, bound_policy

    with place.opened() as store:
        if dpi is not None:
            try:
                presumed = None if dpi == "none" else float(dpi)
            except ValueError:
                raise UsageError(f"--dpi is a number or none, not '{dpi}'") from None
            store.presume(presumed, actor=place.actor)
        if policy is not None:
            bind_policy(store, None if policy == "none" else Path(policy), actor=place.actor)
        resolution, path, bound = store.resolution, store.path, bound_policy(store)
    document = GallerySettings(
        gallery=path,
        dpi=None if resolution is None else resolution.x,
        policy=None if bound is None else bound.title,
        policy_hash=None if bound is None else bound.hash,
    )
    said = "nothing of scans that do not tell their resolution"
    if resolution is not None:
        said = f"{resolution.x:g} dpi where scans tell nothing"
    rule = "none bound" if bound is None else f"{bound.title} ({bound.hash[:12]})"
    tell(document, place.json, f"{path}: presumes {said}; policy: {rule}")


@gallery_app.command("log", cls=SigkdCommand)
@with_place()
def log(
    name: Annotated[
        str | None, typer.Option("--writer", help="Only entries of this writer (also a removed one).")
    ] = None,
    last: Annotated[int | None, typer.Option(help="Only the newest so many.", min=1)] = None,
    switch: Annotated[str | None, typer.Option(help="on or off: switch the log (the switch itself is logged).")] = None,
    *,
    place: Place,
) -> None:
    """Show the audit log, or switch it on and off."""
    from sigkd.cli.verification import log_table
    from sigkd.gallery.results import GalleryLog
    from sigkd.verification.policy import switch_log

    with place.opened() as store:
        if switch is not None:
            switch_log(store, switch, actor=place.actor)
        entries = store.entries(name, last=last)
    tell(GalleryLog(entries=entries), place.json, lambda found: log_table(found.entries))


@gallery_app.command("stats", cls=SigkdCommand)
@with_place(actor=False)
def stats(
    by: Annotated[str, typer.Option(help="week or month.")] = "week",
    since: Annotated[str | None, typer.Option(help="Only answers from this day on (2026-12-01, UTC).")] = None,
    until: Annotated[str | None, typer.Option(help="Only answers up to this day.")] = None,
    table: Annotated[Path | None, typer.Option("--csv", help="Write a row for each period.")] = None,
    *,
    place: Place,
) -> None:
    """Count answers, decisions of people ('sigkd review'), and estimate how many answers were wrong.

    Example: sigkd gallery stats --by month --csv figures.csv
    """
    from sigkd.cli.verification import stats_table
    from sigkd.gallery.reviews import Reviews, day
    from sigkd.verification.gallery_stats import gallery_stats, write_stats

    first, last = None if since is None else day(since), None if until is None else day(until, end=True)
    with place.opened() as store:
        document = gallery_stats(Reviews(store), by=by, since=first, until=last)
    if table is not None:
        write_stats(table, document)
    tell(document, place.json, stats_table)
    if not place.json:
        for share in (document.total.accepted, document.total.rejected):
            if share.of:
                note_line(share.said)
