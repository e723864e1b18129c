"""What ``sigkd verify`` answers when scans are disturbed: a row for each disturbance beside the row of plain scans."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sigkd.classifiers import COHORT
from sigkd.datasets.layouts import KINDS, SignatureRecord, SignatureSet, named_writers, scan_dataset
from sigkd.errors import ImageError
from sigkd.evaluation.answers import FOLDS, Stated
from sigkd.evaluation.calibrate import DevelopmentSet, calibrate
from sigkd.evaluation.disturb_files import scan_of
from sigkd.evaluation.disturbed_results import (
    PLAIN,
    REFUSED,
    DisturbedAnswer,
    DisturbedResults,
    DisturbedRow,
    DisturbedTrial,
    Tally,
)
from sigkd.evaluation.evaluate import Settings, plan_splits
from sigkd.evaluation.protocol import Protocol
from sigkd.evaluation.results import library_versions
from sigkd.images.reader import read_file
from sigkd.images.resolution import given_resolution
from sigkd.models.views import columns_without_scale
from sigkd.pools import cores, in_order
from sigkd.progress import SILENT, Progress
from sigkd.registry import check_name
from sigkd.synthesis.disturbances import Chain, all_disturbances, parse_chain
from sigkd.verification.verifier import Verifier

if TYPE_CHECKING:
    from sigkd.verification.comparison import Comparison
    from sigkd.verification.result import Verification
    from sigkd.verification.samples import Sample

STANDARD = (
    *("resolution=150", "resolution=200", "resolution=300", "resolution=400", "resolution=600"),
    *("scale=0.5", "scale=0.7", "untagged", "scale=1.4", "scale=2"),
    *("line", "box", "caption", "caption-beside", "stamp", "form", "border", "speckle"),
    *("shade", "corner-shadow", "ink=0.5", "binary", "pen-wider", "pen-thinner", "blur", "jpeg", "turn", "margin"),
)
"""The rows that ``standard`` stands for."""
SIDES = ("query", "references", "both")
TEST_GENUINE, TEST_SKILLED = 3, 3
"""Queries a writer; with them goes one stranger."""


@dataclass(frozen=True)
class _Case:
    """A writer's references and what is asked about them: places in the list of records."""

    writer: str
    references: tuple[int, ...]
    queries: tuple[tuple[str, int], ...]
    """With the kind of each."""
    verifier: Verifier
    """It answers them."""


@dataclass(frozen=True)
class _Bench:
    """What all trials share."""

    reader: Verifier
    records: list[SignatureRecord]
    dpi: float | None
    seed: int
    side: str

    def sample(self, row: int, chain: Chain) -> Sample:
        """Disturb a scan, write it as a file in memory, and read that as ``verify`` reads a file."""
        record = self.records[row]
        file = read_file(record.path)
        told = file.resolution
        if record.dpi is not None:
            told = given_resolution(record.dpi, "table")
        elif not told.known and self.dpi is not None:
            told = given_resolution(self.dpi)
        scan = chain(scan_of(file, told), self.seed, row)
        buffer = io.BytesIO()
        Image.fromarray(scan.image).save(buffer, "PNG", compress_level=1, **({"dpi": scan.tag} if scan.tag else {}))
        return self.reader.sample(buffer.getvalue(), name=record.path.name)

    def plain(self, row: int) -> Sample | None:
        """Return a scan as it is; None: it holds no signature."""
        try:
            return self.sample(row, _NOTHING)
        except ImageError:
            return None

    def comparison(self, case: _Case, chain: Chain) -> Comparison | DisturbedAnswer:
        """Return what queries are judged by; the answer to all of them where a reference is refused."""
        try:
            return case.verifier.compare([self.sample(row, chain) for row in case.references])
        except ImageError as error:
            return _refusal(error)

    def answers(self, work: tuple[_Case, Comparison | DisturbedAnswer, Chain]) -> list[DisturbedAnswer]:
        """Answer the queries of a writer under one disturbance."""
        case, comparison, chain = work
        # Plain references are prepared once for all disturbances; disturbed ones anew for each.
        if self.side != "query":
            comparison = self.comparison(case, chain)
        # A reference that is refused ends the enrolment: then no query of the writer has an answer.
        if isinstance(comparison, DisturbedAnswer):
            return [comparison] * len(case.queries)
        found: list[DisturbedAnswer | None] = []
        samples = []
        for _, row in case.queries:
            try:
                samples.append(self.sample(row, _NOTHING if self.side == "references" else chain))
                found.append(None)
            except ImageError as error:
                found.append(_refusal(error))
        judged = iter(case.verifier.judge(comparison, samples))
        return [_answer(next(judged)) if one is None else one for one in found]


_NOTHING = Chain(())


def _refusal(error: ImageError) -> DisturbedAnswer:
    return DisturbedAnswer(REFUSED, None, None, [str(error)])


def _answer(answer: Verification) -> DisturbedAnswer:
    llr = None if answer.evidence is None else answer.evidence.log10_lr
    return DisturbedAnswer(answer.decision.value, answer.score, llr, [remark.code for remark in answer.remarks])


def evaluate_disturbed(
    verifier: Verifier,
    source: Path,
    layout: str,
    disturbances: Sequence[str],
    *,
    side: str = "query",
    cross_fit: bool = False,
    dpi: float | None = None,
    writers: str | None = None,
    references: int = 5,
    genuine: int = TEST_GENUINE,
    skilled: int = TEST_SKILLED,
    skip_short: bool = False,
    seed: int = 0,
    workers: int = 0,
    progress: Progress = SILENT,
) -> DisturbedResults:
    """Let a verifier answer queries whose scans, or whose references' scans, were disturbed.

    Every row has the same trials: for each writer ``genuine`` genuine signatures, ``skilled`` skilled forgeries and one
    genuine signature of another writer, drawn by ``seed``.

    Args:
        verifier: it answers, with its calibration.
        source: folder (or table) of raw scans.
        layout: how they lie there, see :func:`sigkd.datasets.layouts.scan_dataset`.
        disturbances: ``NAME[=LEVEL][+NAME...]``; ``standard``: :data:`STANDARD`, ``all``: every one that there is.
        side: what is disturbed: ``query``, ``references`` or ``both``.
        cross_fit: answer each fifth of the writers with a calibration on the plain scans of the other four, in place of
            the verifier's own.
        dpi: resolution of files that do not tell theirs.
        writers: which ones, see :func:`sigkd.evaluation.protocol.pick_writers`.
        references: of each writer.
        genuine: queries of that kind a writer, at most.
        skilled: likewise.
        skip_short: leave out writers with too few signatures.
        seed: of the draw and of the disturbances.
        workers: threads; 0: one per core. They do not change the result.
        progress: where the work is reported.

    Raises:
        UsageError: unknown names or levels; DatasetError, InputError: no such set, or too few signatures.
    """
    check_name(side, SIDES, "side")
    if dpi is not None:
        given_resolution(dpi)
    chains = _chains(disturbances)
    signatures = scan_dataset(layout, source, allow_incomplete=True)
    bench = _Bench(verifier, signatures.records, dpi, seed, side)
    chosen = named_writers(writers, layout)
    cases = _draw(signatures, verifier, chosen, references, genuine, skilled, skip_short, seed, progress)
    if cross_fit:
        cases = _cross_fitted(cases, bench, references, workers, progress)
    # Before the rows: they are the same for each of them, and fitting is what takes time.
    plain = list(in_order(partial(bench.comparison, chain=_NOTHING), cases, workers=workers))
    work = [(case, made, chain) for chain in chains.values() for case, made in zip(cases, plain, strict=True)]
    files = [signatures.file_of(record) for record in signatures.records]
    trials = [
        DisturbedTrial(case.writer, kind, files[row], [files[place] for place in case.references])
        for case in cases
        for kind, row in case.queries
    ]
    given: list[DisturbedAnswer] = []
    with progress.task("verifying", total=len(chains) * len(trials), unit="signatures") as task:
        for answers in in_order(bench.answers, work, workers=workers):
            given += answers
            task.advance(len(answers))
    parts = [given[start : start + len(trials)] for start in range(0, len(given), len(trials))]
    calibrations = None if cross_fit else verifier.operating(verifier.cohort).calibrations
    fitted_on = set() if calibrations is None else _writers_of(calibrations.data, signatures.fingerprint)
    thresholds = [one.thresholds.origin for one in plain if not isinstance(one, DisturbedAnswer)]
    return DisturbedResults(
        dataset=source,
        layout=layout,
        dpi=dpi,
        side=side,
        writers=[case.writer for case in cases],
        references=references,
        seed=seed,
        model=verifier.binding,
        cohort_hash=verifier.cohort.hash,
        classifier=verifier.classifier(references).name,
        policy=verifier.choices.in_force().facts,
        thresholds=thresholds[0] if thresholds else "",
        calibration_hash=None if calibrations is None else calibrations.hash,
        calibrated_on=[case.writer for case in cases if case.writer in fitted_on],
        trials=trials,
        rows=[_row(name, chain, trials, part) for (name, chain), part in zip(chains.items(), parts, strict=True)],
        versions=library_versions(),
    )


def _writers_of(data: Mapping[str, Any], scans: str) -> set[str]:
    """Return those writers of a calibration whose scans it may have been fitted on.

    Writers of other scans can have the same names; calibrations of before do not tell.
    """
    sets = data.get("sets", [data])
    return {writer for one in sets if one.get("scans") in (None, "", scans) for writer in one.get("writers", [])}


def _chains(disturbances: Sequence[str]) -> dict[str, Chain]:
    """Return what was asked for by the names that were given, the plain row first."""
    every = {"standard": STANDARD, "all": tuple(one.name for one in all_disturbances())}
    names = [name for asked in disturbances for name in every.get(asked, (asked,))]
    return {PLAIN: _NOTHING} | {name: parse_chain(name) for name in names if name != PLAIN}


def _draw(
    signatures: SignatureSet,
    verifier: Verifier,
    writers: str | None,
    references: int,
    genuine: int,
    skilled: int,
    skip_short: bool,
    seed: int,
    progress: Progress,
) -> list[_Case]:
    """Choose references and queries."""
    records, names = signatures.records, signatures.writers
    places = {name: place for place, name in enumerate(names)}
    y = np.array([places[record.writer] for record in records])
    yforg = np.array([KINDS.index(record.kind) for record in records])
    # "random": skilled forgeries are taken where there are any
    protocol = Protocol(genuine_test=genuine, skilled_test=skilled, forgeries="random")
    (split,), found = plan_splits(
        y, yforg, [references], 1, seed, protocol, writers=writers, skip_short=skip_short, names=names
    )
    if found.in_words:
        progress.warn(found.in_words)
    cases = []
    for place, own in enumerate(split.writers):
        # A stranger by the writer's number: leaving other writers out does not change who it is.
        generator = np.random.default_rng([seed, own.writer])
        other = split.writers[(place + generator.integers(1, len(split.writers))) % len(split.writers)]
        queries = [("genuine", row) for row in own.genuine.tolist()] + [
            ("skilled", row) for row in own.skilled.tolist()
        ]
        queries.append(("stranger", int(generator.choice(other.genuine))))
        cases.append(_Case(names[own.writer], tuple(own.references.tolist()), tuple(queries), verifier))
    return cases


def _row(name: str, chain: Chain, trials: Sequence[DisturbedTrial], answers: Sequence[DisturbedAnswer]) -> DisturbedRow:
    tallies = {
        kind: Tally.of([one.answer for trial, one in zip(trials, answers, strict=True) if trial.kind == kind])
        for kind in ("genuine", "skilled", "stranger")
    }
    return DisturbedRow(name, chain.summary or "scans as they are", **tallies, answers=list(answers))


def _cross_fitted(
    cases: Sequence[_Case], bench: _Bench, references: int, workers: int, progress: Progress
) -> list[_Case]:
    """Give each fifth of the writers a verifier with a calibration on the plain scans of the other four."""
    reader = bench.reader
    places = {case.writer: place for place, case in enumerate(cases)}
    rows = [row for row, record in enumerate(bench.records) if record.writer in places and record.kind != "simple"]
    samples: dict[int, Sample] = {}
    with progress.task("reading", total=len(rows), unit="images") as task:
        for row, sample in zip(rows, in_order(bench.plain, rows, workers=workers), strict=True):
            if sample is not None:
                samples[row] = sample
            task.advance()
    features = reader.features([sample.image for sample in samples.values()], progress)
    y = np.array([places[bench.records[row].writer] for row in samples])
    yforg = np.array([KINDS.index(bench.records[row].kind) for row in samples], np.int8)
    measures = [sample.scan.measures for sample in samples.values() if sample.scan is not None]
    # an image on a canvas has no measures
    development = DevelopmentSet(features, y, yforg, {"name": "the other writers"}, measures or None)
    choices = reader.choices
    # What verify itself would calibrate by.
    method = choices.in_force().policy.method or "logistic"
    parts = np.array_split(np.random.default_rng(bench.seed).permutation(len(cases)), min(FOLDS, len(cases)))
    fitted = list(cases)
    for part in parts:
        calibrations, _ = calibrate(
            development.part(np.flatnonzero(~np.isin(y, part))),
            reader.binding,
            reader.cohort,
            [references],
            classifiers=[reader.classifier(references).name],
            negatives=[COHORT],
            stated=Stated(method=method),
            seed=bench.seed,
            settings=Settings(bootstrap=0, workers=workers or cores()),
            unscaled=columns_without_scale(reader.model.projections) if reader.model.projections else None,
            progress=progress,
        )
        named = replace(calibrations, source="four fifths of the writers for the rest, in turn")
        verifier = Verifier(replace(choices, model=reader.model, cohort=reader.cohort, calibration=named))
        for place in part.tolist():
            fitted[place] = replace(cases[place], verifier=verifier)
    return fitted
