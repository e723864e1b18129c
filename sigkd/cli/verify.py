"""``sigkd verify``: is this signature the writer's?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.declared import with_options
from sigkd.cli.options import Common, Model, RegionOption, TemplateOption, Workers, with_common
from sigkd.verification.choices import Choices


@app.command(cls=SigkdCommand)
@with_options(Choices(), "verify")
@with_common()
def verify(
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            help="REF... QUERY: the last path is the query. With --writer: one or more queries, or folders of them; "
            "with --query: references. - is standard input.",
            show_default=False,
        ),
    ] = None,
    query: Annotated[Path | None, typer.Option(help="The questioned signature; all others are references.")] = None,
    writer: Annotated[str | None, typer.Option(help="An enrolled writer, instead of references.")] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="A table of claims (.csv, .parquet): columns path, writer, perhaps dpi; needs --out."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="With --from: the table of answers (.csv, .parquet).")] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="The gallery's file.", show_default="gallery.sigkd in the data directory")
    ] = None,
    negatives: Annotated[str, typer.Option(help="With --writer: cohort, or writers (other enrolled ones).")] = "cohort",
    report: Annotated[
        Path | None, typer.Option(help="Write a report: .html or .pdf; with --from a page of all claims.")
    ] = None,
    case: Annotated[Path | None, typer.Option(help="For the report: a case file of 'sigkd case'.")] = None,
    paper: Annotated[str, typer.Option(help="Of the report: A4 or Letter.")] = "A4",
    table: Annotated[Path | None, typer.Option("--csv", help="Write one row a query.")] = None,
    document: Annotated[
        bool,
        typer.Option(
            "--document",
            help="The queries are documents: each signature on them is compared; PDF files and pages always are.",
        ),
    ] = False,
    template: TemplateOption = None,
    region: RegionOption = None,
    model: Model = None,
    passphrase_file: Annotated[Path | None, typer.Option(help="Passphrase of an encrypted gallery.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who asks, for the audit log.", show_default="the user")] = None,
    audit: Annotated[
        bool, typer.Option("--audit/--no-audit", help="Write this verification to the gallery's log.")
    ] = True,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show everything that is known.")] = False,
    *,
    common: Common,
    workers: Workers = 0,
    **options: Any,
) -> None:
    """Verify a signature against references, or against an enrolled writer; or a table of claims.

    Exit codes: 0 accepted, 1 rejected, 3 inconclusive or suspected copy, 2 usage, 4 bad input or refused by the
    policy, 5 model, 6 unsigned. Of several the worst decides (rejected, bad input, unsigned, inconclusive). With
    --from: 0 where every claim has an answer, whatever it is, 4 where some have none.

    Example: sigkd verify ref/*.png query.png
    """
    from sigkd.cli.progress import console_progress, waiting
    from sigkd.cli.verification import (
        gallery_path,
        look_of,
        passphrase_for,
        piped,
        show_claims,
        show_verifications,
        verifier_of,
    )
    from sigkd.errors import UsageError

    given = piped(images or [])
    if case is not None and report is None:
        raise UsageError("`case` is for a report: add --report FILE")
    if source is not None and (document or template or region):
        raise UsageError("--from FILE has the places of signatures in its columns page and region")
    if source is not None and (given or query or writer or table):
        raise UsageError("--from FILE has all claims: no images, --query, --writer or --csv beside it")
    if (source is None) != (out is None):
        raise UsageError("--from CLAIMS and --out ANSWERS belong together")
    if source is None and not given:
        raise UsageError("give images: sigkd verify REF... QUERY (or with --writer: QUERY...)")
    if table is not None:
        from sigkd.verification.row_tables import check_table

        check_table(table)
    if writer is not None and query is not None:
        raise UsageError("with `writer` all images are queries: leave `query` out")
    with waiting("starting"):  # torch takes seconds where the disk is slow
        from sigkd.verification.batch import verify_ad_hoc, write_csv
        from sigkd.verification.claims import verify_claims
        from sigkd.verification.documents import DocumentAnswers, verify_document_against, verify_documents
        from sigkd.verification.report import Report
        from sigkd.verification.report.case_file import CaseFile
        from sigkd.verification.result import Verifications

    wanted = None if report is None else Report(report, None if case is None else CaseFile.of_toml(case), paper)
    file = None if writer is None and source is None else gallery_path(gallery, common.data_dir)
    passphrase = passphrase_for(file, passphrase_file) if file is not None and file.exists() else None
    progress = console_progress()
    with waiting("loading"):
        opening = {"negatives": negatives, "actor": actor, "audit": audit}
        verifier = verifier_of(options, common, model, file, passphrase, progress, **opening)
    if source is not None and out is not None:
        summary = verify_claims(verifier, source, out, report=wanted, workers=workers, progress=progress)
        show_claims(summary, json=common.json)
        raise typer.Exit(summary.exit_code)
    look = look_of(template, region, options.get("page"), common, always=document)
    if writer is None:
        place = gallery_path(gallery, common.data_dir)
        *references, questioned = given if query is None else [*given, *piped([query])]
        with waiting("comparing"):
            if look.is_document(questioned):
                result = verify_document_against(verifier, references, questioned, look, report=wanted)
            else:
                found = verify_ad_hoc(verifier, references, questioned, gallery=place, report=wanted)
                result = DocumentAnswers(found)
    else:
        result = verify_documents(verifier, writer, given, look, report=wanted, progress=progress)
    if table is not None:
        write_csv(table, result.answers, result.failed, result.unsigned)
    answers = Verifications(
        exit_code=int(result.exit_code),
        verifications=tuple(result.answers),
        failed=result.failed,
        unsigned=tuple(result.unsigned),
    )
    show_verifications(answers, json=common.json, report=report, verbose=verbose)
    raise typer.Exit(answers.exit_code)
