"""``sigkd review``: what a person looks at, and what people decided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import group
from sigkd.cli.command import SigkdCommand
from sigkd.cli.gallery import Place, with_place
from sigkd.cli.output import Table, note_line, stdout, warning_line
from sigkd.cli.output import show as tell  # a command is called show

if TYPE_CHECKING:
    from sigkd.verification.reviewing import ReviewList, ReviewSheet

review_app = group("review", "List, show and decide the answers that a person looks at.")

Entry = Annotated[int, typer.Argument(help="Number of the answer's entry in the log.", min=1)]


@review_app.command("list", cls=SigkdCommand)
@with_place(actor=False)
def list_answers(
    standing: Annotated[
        list[str] | None,
        typer.Option(help="open, second (person), disputed, decided or all.", show_default="what is not decided"),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(help="accepted, rejected, inconclusive, copy.", show_default="any"),
    ] = None,
    writer: Annotated[str | None, typer.Option(help="Only answers about this writer.")] = None,
    since: Annotated[str | None, typer.Option(help="Only from this day on (2026-12-01, UTC).")] = None,
    until: Annotated[str | None, typer.Option(help="Only up to this day.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Also answers that nobody has to look at.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    offset: Annotated[int, typer.Option(help="Leave out so many first.", min=0)] = 0,
    *,
    place: Place,
) -> None:
    """List the answers that a person looks at: the inconclusive, suspected copies, and a sample of the others.

    Example: sigkd review list --answer inconclusive --since 2026-12-01
    """
    from sigkd.gallery.reviews import UNDECIDED, Reviews, Standing, Wanted, day
    from sigkd.registry import check_name
    from sigkd.verification.decision import Decision
    from sigkd.verification.reviewing import list_reviews

    standings = {"second": Standing.SECOND.value} | {one.value: one.value for one in Standing}
    answers = {"copy": Decision.COPY.value} | {one.value: one.value for one in Decision}
    chosen: list[str] = []
    for name in standing or [one.value for one in UNDECIDED]:
        check_name(name, (*standings, "all"), "standing")
        chosen += [one.value for one in Standing] if name == "all" else [standings[name]]
    for name in answer or ():
        check_name(name, tuple(answers), "answer")
    wanted = Wanted(
        chosen,
        [answers[name] for name in answer or ()],
        writer,
        None if since is None else day(since),
        None if until is None else day(until, end=True),
        everything,
    )
    with place.opened() as store:
        document = list_reviews(Reviews(store), wanted, offset=offset, limit=limit)
    tell(document, place.json, _listed)


@review_app.command("show", cls=SigkdCommand)
@with_place(actor=False)
def show(
    entry: Entry,
    out: Annotated[
        Path | None, typer.Option(help="Write the questioned scan beside each reference: .png, .html or .pdf.")
    ] = None,
    query: Annotated[Path | None, typer.Option(help="Where the questioned scan is now, if it was moved.")] = None,
    picture: Annotated[str, typer.Option(help="In the terminal: auto, kitty, iterm2, sixel or none.")] = "auto",
    *,
    place: Place,
) -> None:
    """Show an answer: its facts, what people decided, and the questioned scan beside each reference.

    Example: sigkd review show 57 --out review.html
    """
    from sigkd.cli.terminal_pictures import protocol, show_picture
    from sigkd.gallery.reviews import Reviews
    from sigkd.verification.review_sheet import ReviewPicture, check_sheet, write_sheet
    from sigkd.verification.reviewing import show_review

    if out is not None:
        check_sheet(out)
    how = protocol(picture)
    with place.opened() as store:
        sheet, questioned, references = show_review(Reviews(store), entry, file=query)
    drawn = ReviewPicture(questioned, references) if out is not None or (how and not place.json) else None
    if out is not None and drawn is not None:
        from dataclasses import replace

        write_sheet(out, sheet, drawn)
        sheet = replace(sheet, picture=out)
    tell(sheet, place.json, _facts)
    if how and drawn is not None and not place.json:
        show_picture(drawn.image(), how)
    for remark in sheet.remarks:
        warning_line(remark)
    if out is not None:
        note_line(f"picture: {out}")
    elif not how and not place.json:
        note_line(f"to look at the scans: sigkd review show {entry} --out review.html")


@review_app.command("decide", cls=SigkdCommand)
@with_place(actor=False)
def decide_answer(
    entry: Entry,
    outcome: Annotated[
        str, typer.Option(help="genuine, forgery, or undecided (it cannot be told).", show_default=False)
    ],
    reason: Annotated[str, typer.Option(help="Why; without the writer's name.", show_default=False)],
    by: Annotated[str | None, typer.Option(help="Who decides.", show_default="the user")] = None,
    seen: Annotated[
        int | None,
        typer.Option(help="The number that 'show' gave: needed to decide once more, after yourself or others."),
    ] = None,
    *,
    place: Place,
) -> None:
    """Write a decision about an answer into the log. What was decided before stays there.

    Example: sigkd review decide 57 --outcome genuine --by "B. Clerk" --reason "same slant and pen lifts"
    """
    from sigkd.gallery.reviews import Reviews
    from sigkd.verification.review_sheet import standing
    from sigkd.verification.reviewing import decide

    with place.opened() as store:
        sheet = decide(Reviews(store), entry, outcome, reason=reason, by=by, seen=seen)
    tell(sheet, place.json, f"entry {entry}: {standing(sheet)}; said as entry {sheet.review.seen} of the log")


def _listed(document: ReviewList) -> list[Table]:
    first, last = document.offset + 1, document.offset + len(document.reviews)
    which = f" ({first} to {last})" if document.reviews and last - document.offset < document.total else ""
    counts = ", ".join(f"{count} {name}" for name, count in document.standing.items() if count) or "none"
    table = Table(title=f"{document.gallery}: {document.total} to look at{which}", caption=f"in all: {counts}")
    for column in ("entry", "time (UTC)", "writer", "answer", "log10 LR", "remarks", "stands", "by"):
        table.add_column(column, justify="right" if column in ("entry", "log10 LR") else "left")
    for one in document.reviews:
        ratio = one.detail.get("log10_lr")
        answer = one.answer + (" (sample)" if one.listed == "sample" else "")
        stands = one.outcome or one.standing.value
        table.add_row(
            str(one.entry),
            one.at[:16].replace("T", " "),
            one.writer or "(removed)",
            answer,
            "-" if ratio is None else f"{ratio:+.2f}",
            ", ".join(one.detail.get("remarks", ())),
            stands,
            ", ".join(dict.fromkeys(opinion.by for opinion in one.opinions)),
        )
    return [table]


def _facts(sheet: ReviewSheet) -> Table:
    from sigkd.verification.review_sheet import facts

    table = Table(title=f"entry {sheet.review.entry} of the log", show_header=False)
    table.add_column(style="dim" if stdout.is_terminal else "")
    table.add_column(overflow="fold")
    for name, value in [*facts(sheet), ("seen", str(sheet.review.seen))]:
        table.add_row(name, value)
    return table
