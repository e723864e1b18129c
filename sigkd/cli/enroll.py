"""``sigkd enroll``: add writers to the gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.declared import with_options
from sigkd.cli.options import Common, Model, RegionOption, TemplateOption, with_common
from sigkd.cli.output import counted, show
from sigkd.verification.choices import COMPARING, Choices


@app.command(cls=SigkdCommand)
@with_options(Choices(), "enroll", only=COMPARING)
@with_common()
def enroll(
    name: Annotated[str | None, typer.Argument(help="The writer.", show_default=False)] = None,
    images: Annotated[list[Path] | None, typer.Argument(help="References.", show_default=False)] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="Many writers: a prepared dataset, a folder WRITER/*, or a .csv table.")
    ] = None,
    nref: Annotated[int | None, typer.Option(help="With --from: at most so many a writer.", min=1)] = None,
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="With --from: go on although files of the table are missing.")
    ] = False,
    gallery: Annotated[
        Path | None, typer.Option(help="The gallery's file.", show_default="gallery.sigkd in the data directory")
    ] = None,
    keep_images: Annotated[
        bool, typer.Option("--keep-images", help="Store the images too, so that the model can change.")
    ] = False,
    add: Annotated[bool, typer.Option("--add", help="Add references to an enrolled writer.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the references of an enrolled writer.")] = False,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Make the gallery encrypted (asks for a passphrase).")
    ] = False,
    passphrase_file: Annotated[Path | None, typer.Option(help="Passphrase: the first line of a file.")] = None,
    audit: Annotated[bool, typer.Option("--audit/--no-audit", help="Whether a new gallery keeps a log.")] = True,
    actor: Annotated[str | None, typer.Option(help="Who enrols, for the log.", show_default="the user")] = None,
    negatives: Annotated[
        str, typer.Option(help="cohort, or writers: references of other enrolled writers.")
    ] = "cohort",
    documents: Annotated[
        bool,
        typer.Option("--documents", help="The images are documents or specimen cards: each signature is a reference."),
    ] = False,
    template: TemplateOption = None,
    region: RegionOption = None,
    model: Model = None,
    *,
    common: Common,
    **options: Any,
) -> None:
    """Enrol a writer with a few references, or many writers at once.

    Example: sigkd enroll "Ada Lovelace" ada/*.png
    """
    from sigkd.cli.progress import console_progress
    from sigkd.cli.verification import (
        check_is_name,
        gallery_path,
        look_of,
        passphrase_for,
        piped,
        verifier_of,
        warn_once,
    )
    from sigkd.errors import UsageError
    from sigkd.verification.bulk import BulkResult, Enrolment, enroll_from
    from sigkd.verification.documents import signatures_of
    from sigkd.verification.samples import ImageInput, Sample

    if (source is None) == (name is None) or (name is not None and not images) or (source is not None and images):
        raise UsageError("give a name and images (sigkd enroll NAME IMAGES...), or --from SOURCE")
    if name is not None:
        check_is_name(name)
    if add and replace:
        raise UsageError("--add and --replace exclude each other")
    look = look_of(template, region, options.get("page"), common, always=documents)
    mode = "add" if add else "replace" if replace else "new"
    file = gallery_path(gallery, common.data_dir)
    progress = console_progress()
    passphrase = passphrase_for(file, passphrase_file, new=encrypt)
    opening = {"negatives": negatives, "actor": actor, "audit": audit}
    with verifier_of(options, common, model, file, passphrase, progress, **opening) as verifier:
        if source is None:
            assert name is not None  # noqa: S101 - checked above
            given: list[ImageInput | Sample] = list(piped(images or []))
            if look.asked:
                given = list(signatures_of(verifier, piped(images or []), look, keep=keep_images))
            remarks = list(verifier.enroll(name, given, keep_images=keep_images, mode=mode))
            doubled = sum(remark.code == "duplicate" for remark in remarks)
            done = BulkResult([name], len(given) - doubled, remarks=remarks)
        else:
            done = enroll_from(
                verifier,
                source,
                data=common.data,
                references=nref,
                keep_images=keep_images,
                mode=mode,
                allow_incomplete=allow_incomplete,
                look=look if look.asked else None,
                progress=progress,
            )
        document = Enrolment(
            gallery=file,
            enrolled=done.enrolled,
            references=done.references,
            skipped=done.skipped,
            remarks=done.remarks,
            writers=len(verifier.gallery),
        )
    warn_once((one.image, one) for one in done.remarks if source is None or one.code != "duplicate")  # said already
    left = f", {len(done.skipped)} skipped" if done.skipped else ""
    who = done.enrolled[0] if len(done.enrolled) == 1 else counted(len(done.enrolled), "writer")
    references, total = counted(done.references, "reference"), counted(document.writers, "writer")
    text = f"{file}: enrolled {who} with {references}{left}; {total} in all"
    show(document, common.json, text)
