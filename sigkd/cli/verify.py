"""``sigkd verify``: is this signature the writer's?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.declared import with_options
from sigkd.cli.options import Common, Model, with_common
from sigkd.verification.choices import Choices


@app.command(cls=SigkdCommand)
@with_options(Choices(), "verify")
@with_common()
def verify(
    images: Annotated[
        list[Path],
        typer.Argument(
            help="REF... QUERY: the last path is the query. With --writer: one or more queries, or folders of them."
        ),
    ],
    writer: Annotated[str | None, typer.Option(help="An enrolled writer, instead of references.")] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="The gallery's file.", show_default="gallery.sigkd in the data directory")
    ] = None,
    negatives: Annotated[str, typer.Option(help="With --writer: cohort, or writers (other enrolled ones).")] = "cohort",
    report: Annotated[Path | None, typer.Option(help="Write a report: .html or .pdf.")] = None,
    case: Annotated[Path | None, typer.Option(help="For the report: a case file of 'sigkd case'.")] = None,
    paper: Annotated[str, typer.Option(help="Of the report: A4 or Letter.")] = "A4",
    table: Annotated[Path | None, typer.Option("--csv", help="Write one row a query.")] = None,
    model: Model = None,
    passphrase_file: Annotated[Path | None, typer.Option(help="Passphrase of an encrypted gallery.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who asks, for the audit log.", show_default="the user")] = None,
    audit: Annotated[
        bool, typer.Option("--audit/--no-audit", help="Write this verification to the gallery's log.")
    ] = True,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show everything that is known.")] = False,
    *,
    common: Common,
    **options: Any,
) -> None:
    """Verify a signature against references, or against an enrolled writer.

    Exit codes: 0 accepted, 1 rejected, 3 inconclusive or suspected copy, 2 usage, 4 bad input or refused by the
    policy, 5 model. Of several queries the worst decides (rejected, refused, inconclusive).

    Example: sigkd verify ref/*.png query.png
    """
    from sigkd.cli.progress import console_progress
    from sigkd.cli.verification import choices_of, gallery_path, passphrase_for, show_verifications
    from sigkd.errors import UsageError
    from sigkd.images.formats import named_images
    from sigkd.verification.batch import exit_code, verify_ad_hoc, verify_enrolled, write_csv
    from sigkd.verification.report import Report
    from sigkd.verification.report.case_file import CaseFile
    from sigkd.verification.result import Verifications
    from sigkd.verification.verifier import Verifier

    if case is not None and report is None:
        raise UsageError("`case` is for a report: add --report FILE")
    wanted = None if report is None else Report(report, None if case is None else CaseFile.of_toml(case), paper)
    file = None if writer is None else gallery_path(gallery, common.data_dir)
    verifier = Verifier(
        choices_of(
            options,
            common,
            model=model,
            progress=console_progress(),
        ),
        gallery=file,
        passphrase=passphrase_for(file, passphrase_file) if file is not None and file.exists() else None,
        negatives=negatives,
        actor=actor,
        audit=audit,
    )
    if writer is None:
        outcome = verify_ad_hoc(verifier, images, report=wanted)
    else:
        outcome = verify_enrolled(verifier, writer, named_images(images, console_progress()), report=wanted)
    if table is not None:
        write_csv(table, outcome)
    document = Verifications(exit_code=int(exit_code(outcome)), verifications=tuple(outcome))
    show_verifications(document, json=common.json, report=report, verbose=verbose)
    raise typer.Exit(document.exit_code)
