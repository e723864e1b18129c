"""What the commands of verification share: opening the gallery, asking for passphrases, showing answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sigkd.cli.output import Table, as_options, counted, note_line, show, stdout, warning_line
from sigkd.cli.streams import visible
from sigkd.errors import InputError, UsageError

if TYPE_CHECKING:
    from sigkd.cli.options import Common
    from sigkd.gallery import EnrolledWriter, Gallery
    from sigkd.gallery.audit import Entry
    from sigkd.gallery.results import GalleryList, ReferenceFacts
    from sigkd.images.remarks import Remark
    from sigkd.progress import Progress
    from sigkd.verification.choices import Choices
    from sigkd.verification.claims import ClaimsSummary
    from sigkd.verification.documents import Look
    from sigkd.verification.gallery_stats import GalleryStats
    from sigkd.verification.result import Verification, Verifications
    from sigkd.verification.verifier import Verifier

PASSPHRASE_VARIABLE = "SIGKD_PASSPHRASE"  # noqa: S105 - the name of a variable


def choices_of(options: Mapping[str, Any], common: Common, **others: Any) -> Choices:
    """Return the choices that were made on the command line; what was not given keeps its default."""
    from sigkd.verification.choices import Choices

    given = {name: value for name, value in options.items() if value is not None}
    return Choices(**given, device=common.device, data=common.data_dir, cache=common.cache_dir, **others)


def check_is_name(name: str) -> None:
    """Refuse an image in the place of a writer's name.

    Raises:
        UsageError: it is the name of an image, or of a file.
    """
    from sigkd.images.formats import SUFFIXES

    if Path(name).suffix.lower() in SUFFIXES or Path(name).is_file():
        raise UsageError(f"'{name}' is an image, not a writer: sigkd enroll NAME IMAGES... (the name comes first)")


def look_of(
    template: str | None, regions: Sequence[str] | None, page: int | None, common: Common, *, always: bool = False
) -> Look:
    """Return how documents are looked at.

    Raises:
        InputError: no such template; UsageError: a region that is none, or a template and regions.
    """
    from sigkd.documents.regions import read_regions
    from sigkd.documents.template import find_template
    from sigkd.verification.documents import Look

    if template is not None and regions:
        raise UsageError("--template and --region exclude each other")
    found = None if template is None else find_template(common.data, template)
    return Look(found, read_regions(tuple(regions or ())), page, always)


def piped(images: Iterable[Path]) -> list[Path]:
    """Return the paths with standard input in the place of ``-``."""
    return [Path("/dev/stdin") if str(path) == "-" else path for path in images]


def model_of(option: str | None, gallery: Path | None, passphrase: str | None) -> str | None:
    """Return the model to load: the one that was named, else the gallery's own where it is a registered one."""
    if option is not None or gallery is None or not gallery.exists():
        return option
    from sigkd.verification.enrolled import model_of_gallery

    return model_of_gallery(gallery, passphrase)


def verifier_of(
    options: Mapping[str, Any],
    common: Common,
    model: str | None,
    gallery: Path | None,
    passphrase: str | None,
    progress: Progress,
    **opening: Any,
) -> Verifier:
    """Return the verifier of what was chosen on the command line; ``opening`` is told to :class:`Verifier` as it is."""
    from sigkd.verification.verifier import Verifier

    choices = choices_of(options, common, model=model_of(model, gallery, passphrase), progress=progress)
    return Verifier(choices, gallery=gallery, passphrase=passphrase, **opening)


def gallery_path(option: Path | None, data_dir: Path | None) -> Path:
    """Return the gallery's file: ``--gallery``, else ``$SIGKD_GALLERY``, else the one in the data directory."""
    from sigkd.paths import data_dir as home

    if option is not None:
        return option
    named = os.environ.get("SIGKD_GALLERY")
    return Path(named) if named else home(data_dir) / "gallery.sigkd"


def read_passphrase(
    file: Path | None, *, prompt: str = "Passphrase of the gallery: ", confirm: bool = False, environment: bool = True
) -> str:
    """Return a passphrase from a file (its first line), the environment (where that may be), or an unechoed prompt.

    Raises:
        InputError: the file is absent or empty; UsageError: nowhere to ask.
    """
    import getpass

    if file is not None:
        try:
            line = file.read_text(encoding="utf-8-sig").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{file}: cannot be read as a passphrase ({type(error).__name__})") from None
        if not line.strip():
            raise InputError(f"{file}: holds no passphrase (its first line counts)")
        return line
    if environment and os.environ.get(PASSPHRASE_VARIABLE):
        return os.environ[PASSPHRASE_VARIABLE]
    if not sys.stdin.isatty():
        sources = f"--passphrase-file FILE, ${PASSPHRASE_VARIABLE}" if environment else "--new-passphrase-file FILE"
        raise UsageError(f"a passphrase is needed: {sources}, or a terminal to ask at")
    passphrase = getpass.getpass(prompt)
    if confirm and getpass.getpass("Once more: ") != passphrase:
        raise UsageError("the two passphrases differ")
    return passphrase


def passphrase_for(path: Path, file: Path | None, *, new: bool = False) -> str | None:
    """Return the passphrase where one is needed: for a new encrypted gallery, or one that is encrypted already.

    Raises:
        UsageError: ``--encrypt`` or a passphrase for an existing plain gallery, or a passphrase without ``--encrypt``
            for a new one: it would be plain.
    """
    from sigkd.gallery.connection import needs_passphrase

    if not path.exists():
        if new:
            return read_passphrase(file, prompt="Passphrase of the new gallery: ", confirm=True)
        if file is not None or os.environ.get(PASSPHRASE_VARIABLE):
            given = "--passphrase-file" if file is not None else f"${PASSPHRASE_VARIABLE}"
            raise UsageError(f"{path}: would be a plain gallery in spite of {given}: add --encrypt, or leave it out")
        return None
    if needs_passphrase(path):
        return read_passphrase(file)
    if new or file is not None:
        raise UsageError(f"{path}: exists and is not encrypted: 'sigkd gallery rekey --encrypt' encrypts it")
    return None


def opened(gallery: Path | None, data_dir: Path | None, passphrase_file: Path | None) -> Gallery:
    """Open the gallery that the options name, asking for its passphrase where it is encrypted."""
    from sigkd.gallery import Gallery

    path = gallery_path(gallery, data_dir)
    return Gallery(path, passphrase=passphrase_for(path, passphrase_file) if path.exists() else None)


def writers_table(document: GalleryList) -> Table:
    """Return the enrolled writers as a table."""
    binding = document.binding
    model = "" if binding is None else f", model {binding.model_name} {binding.model_hash[:12]}"
    table = Table(title=f"{document.gallery}: {counted(len(document.writers), 'writer')}{model}")
    for column in ("writer", "references", "images", "enrolled", "changed", "flag"):
        table.add_column(column, justify="right" if column == "references" else "left")
    for one in document.writers:
        images = "kept" if one.images else "-"
        table.add_row(one.name, str(one.references), images, one.enrolled_at[:19], one.updated_at[:19], one.flag)
    return table


def write_writers(path: Path, document: GalleryList) -> None:
    """Write the enrolled writers as CSV."""
    from dataclasses import asdict

    from sigkd.verification.row_tables import write_table

    columns = ("name", "references", "images", "enrolled_at", "updated_at", "flag", "note", "subject")
    write_table(path, columns, map(asdict, document.writers), texts=("name", "flag", "note"))


def references_table(writer: EnrolledWriter, references: Sequence[ReferenceFacts]) -> Table:
    """Return a writer's references as a table."""
    said = [f"flagged: {writer.flag}"] if writer.flag else []
    caption = "\n".join([*said, *([f"note: {writer.note}"] if writer.note else [])]) or None
    table = Table(title=f"{writer.name}, enrolled {writer.enrolled_at[:19]}", caption=caption)
    for column in ("no.", "reference", "enrolled", "ink, px", "resolution", "hash"):
        table.add_column(column)
    for number, one in enumerate(references, 1):
        resolution = "-" if one.resolution is None else str(one.resolution)
        size = f"{one.width}x{one.height}"
        table.add_row(str(number), one.name, one.added_at[:19] or "-", size, resolution, one.hash[:16])
    return table


def log_table(entries: Sequence[Entry]) -> Table:
    """Return entries of the log as a table."""
    table = Table(title="audit log")
    for column in ("no.", "time (UTC)", "who", "action", "writer", "detail"):
        table.add_column(column)
    for one in entries:
        detail = ", ".join(f"{key} {value}" for key, value in one.detail.items() if key != "state")
        table.add_row(str(one.number), one.at[:19], one.actor, one.action, (one.subject or "")[:12], detail)
    return table


def stats_table(document: GalleryStats) -> Table:
    """Return figures by period as a table."""
    total = document.total
    table = Table(title=f"{document.gallery}: answers by {document.by}, and what people decided about them")
    names = [*total.answers, "to look at", "waiting", *total.outcomes]
    for column in (document.by, *names):
        table.add_column(column, justify="left" if column == document.by else "right")
    rows = [*document.periods, *([total] if len(document.periods) > 1 else [])]
    for one in rows:
        counts = [*one.answers.values(), one.listed, one.waiting, *one.outcomes.values()]
        table.add_row(one.period, *map(str, counts), end_section=one is rows[-2] if len(rows) > 1 else False)
    return table


_STYLES = {
    "accepted": "bold green",
    "rejected": "bold red",
    "inconclusive": "bold yellow",
    "suspected copy": "bold red",
    "refused": "bold yellow",
}


def show_verifications(
    document: Verifications, *, json: bool, report: Path | None = None, verbose: bool = False
) -> None:
    """Print answers: one in three lines (or in full), several as a table, or as JSON; their remarks on stderr."""
    answers = document.verifications
    if len(answers) == 1 and not document.failed and not document.unsigned:
        show(document, json, lambda _: _full(answers[0]) if verbose else _three_lines(answers[0]))
    elif answers:
        show(document, json, lambda _: _several(answers, document.unsigned))
    else:
        none = "\n".join(f"{place}: UNSIGNED" for place in document.unsigned)
        show(document, json, none or "no answers")
    found = [(answer.query, remark) for answer in answers for remark in answer.remarks]
    found += [(one.image, one) for one in dict.fromkeys(one for each in answers for one in each.reference_remarks)]
    warn_once(found)
    for error in document.failed.values():
        warning_line(f"no answer: {error}")
    if report is not None:
        note_line(f"report: {report}")


def show_claims(summary: ClaimsSummary, *, json: bool) -> None:
    """Print what became of a table of claims."""
    counts = ", ".join(f"{count} {name}" for name, count in summary.answers.items())
    done = summary.claims - summary.resumed
    rate = f"{done} in {summary.seconds:.1f} s, {done / max(summary.seconds, 1e-9):.1f}/s"
    before = f", {summary.resumed} by an earlier run" if summary.resumed else ""
    lines = [
        f"{summary.out}: {counted(summary.claims, 'claim')} of {counted(summary.writers, 'writer')}: {counts}",
        f"answered {rate}{before}; policy {summary.policy}",
    ]
    show(summary, json, "\n".join(lines))
    if summary.report is not None:
        note_line(f"report: {summary.report}")
    for one in summary.failed:
        warning_line(f"row {one.row}: {one.error}")
    more = summary.answers.get("error", 0) - len(summary.failed)
    if more > 0:
        warning_line(f"{more} more claims without an answer: see the column error of {summary.out}")


def warn_once(found: Iterable[tuple[str, Remark]]) -> None:
    """Print remarks on images; what is said of several is said once, with how many and some of their names."""
    images: dict[str, list[str]] = {}
    for name, remark in found:
        images.setdefault(remark.text, []).append("/".join(Path(name).parts[-2:]))
    for text, names in images.items():
        few = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        warning_line(f"{len(names)} images ({few}): {text}" if len(names) > 1 else f"{few}: {text}" if few else text)


_NAMED = 3


def _three_lines(answer: Verification) -> Table | str:
    """Return answer, reason and advice: a table that a terminal folds, or three lines for a file."""
    rows = _first_rows(answer)
    if not stdout.is_terminal:
        return "\n".join(f"{name:<12}{text}" for name, text in rows)
    return _rows(rows)


def _first_rows(answer: Verification) -> list[tuple[str, Text | str]]:
    from sigkd.verification.wording import advice, reason

    word = answer.decision.value
    whose = f" by {answer.writer}" if answer.writer else ""
    head = visible(f"{answer.query}{whose}: "), (word.upper(), _STYLES[word]), f" (policy {answer.policy})"
    return [
        ("answer", Text.assemble(*head)),
        ("why", as_options(reason(answer))),
        ("what to do", as_options(advice(answer))),
    ]


def _rows(rows: Iterable[tuple[str, Text | str]]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, text)
    return table


def _full(answer: Verification) -> Table:
    table = _rows(_first_rows(answer))
    against = f"writer {answer.writer}, " if answer.writer else ""
    table.add_row("compared with", f"{against}{counted(answer.references, 'reference')}")
    if answer.resolution is not None:
        others = ", ".join(dict.fromkeys(map(str, answer.reference_resolutions)))
        table.add_row("resolution", f"{answer.resolution}; references {others}")
    limits = answer.thresholds
    table.add_row("score", f"{answer.score:.3f} ({limits})")
    table.add_row("thresholds", limits.origin)
    evidence = answer.evidence
    if evidence is not None:
        bound = " (at the bound that the development set supports)" if evidence.bounded else ""
        table.add_row("log10 LR", f"{evidence.log10_lr:+.2f}{bound}")
        table.add_row("meaning", evidence.verbal)
        table.add_row("H1", evidence.h1)
        table.add_row("H2", evidence.h2)
        table.add_row("calibrated on", evidence.data)
    for place, rate in enumerate(answer.rates):
        table.add_row("how often wrong" if place == 0 else "", str(rate))
    table.add_row("classifier", answer.classifier)
    table.add_row("negatives", answer.negatives)
    table.add_row("model", f"{answer.binding.model_name} {answer.binding.model_hash[:12]}")
    table.add_row("file, SHA-256", answer.query_hash)
    table.add_row("policy, SHA-256", answer.policy.hash)
    return table


def _several(answers: Sequence[Verification], unsigned: Sequence[str] = ()) -> Table:
    first = answers[0]
    limits = first.thresholds
    table = Table(
        title=f"{len(answers)} queries against {first.writer or 'references'} ({first.references} references)",
        caption=f"{limits}: {limits.origin}; policy {first.policy}",
    )
    for name in ("query", "decision", "score", "log10 LR", "remarks"):
        table.add_column(name, justify="right" if name in ("score", "log10 LR") else "left")
    for answer in answers:
        word = answer.decision.value
        llr = "-" if answer.evidence is None else f"{answer.evidence.log10_lr:+.2f}"
        remarks = ", ".join(one.code for one in answer.remarks)
        table.add_row(answer.query, Text(word, _STYLES[word]), f"{answer.score:.3f}", llr, remarks)
    for place in unsigned:
        table.add_row(place, Text("unsigned", "bold yellow"))
    return table
