"""What a report says, as blocks."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sigkd._version import __version__
from sigkd.verification.comparison import Case, Comparison
from sigkd.verification.decision import Decision
from sigkd.verification.report.blocks import (
    Answer,
    Block,
    Bullets,
    Document,
    Figure,
    Figures,
    Heading,
    Notes,
    Paragraph,
    Rows,
    Signing,
    Table,
)
from sigkd.verification.report.case_file import CaseFile
from sigkd.verification.report.catalogue import Texts
from sigkd.verification.report.influence import EXPLAINED, REFERENCE_PARTS, influences, view_influences
from sigkd.verification.report.measuring import LENGTHS, NAMES, Measured, measured, number, ranges
from sigkd.verification.report.pictures import distribution_picture, influence_picture
from sigkd.verification.report.scans import Frame, Original, ink_in, overlay, read_original, shown, with_ruler

if TYPE_CHECKING:
    from sigkd.verification.verifier import Verifier

_STRONGEST = 3  # parts of the query that are numbered, in either direction
_KINDS = {Decision.COPY: "copy"}


def compose(verifier: Verifier, case: Case, file: CaseFile | None) -> Document:
    """Return the report of one verification.

    Args:
        verifier: that made the answer; it computes the influences.
        case: what is reported.
        file: what a person says of the case.

    Raises:
        UsageError: the case file names a scan that was not compared, or a language without texts.
    """
    return _Composer(verifier, case, file or CaseFile()).document()


@dataclass(frozen=True)
class _Composer:
    verifier: Verifier
    case: Case
    file: CaseFile

    @cached_property
    def texts(self) -> Texts:
        return Texts(self.file.language)

    @cached_property
    def comparison(self) -> Comparison:
        """The comparison that gave the answer."""
        return self.case.comparison.fitting(self.case.query)[0]

    @cached_property
    def items(self) -> dict[str, str]:
        names = [self.case.query.name, *(one.name for one in self.case.references if one is not None)]
        return self.file.items(names)

    @cached_property
    def query(self) -> Original:
        return read_original(self.case.query, self.verifier.model.placing)

    @cached_property
    def references(self) -> dict[int, Original]:
        """The references whose scans there are, by their place."""
        placing = self.verifier.model.placing
        kept = {place: one for place, one in enumerate(self.case.references) if one is not None}
        return {place: read_original(one, placing) for place, one in kept.items()}

    @cached_property
    def frame(self) -> Frame:
        return Frame.around([self.query, *self.references.values()])

    def document(self) -> Document:
        """Return the whole report."""
        t, answer = self.texts, self.case.answer
        time = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        called = self._called(self.case.query.name)
        about = "title.enrolled" if answer.writer else "title.given"
        blocks: list[Block] = [
            Paragraph(t(about, query=called, writer=answer.writer, count=self._count(answer.references)))
        ]
        given = any(text for _, text in self.file.entries()) or bool(self.file.material)
        parts: list[Iterable[Block]] = [self._notes(), self._answer(), self._meaning(), self._rates()]
        if given:
            parts.insert(0, self._case())
        parts += [self._scans(), self._measures(), self._influence(), self._scores(), self._agreement()]
        if not given:
            parts.append(self._case())
        parts += [self._method(), self._record(), self._signing()]
        for part in parts:
            blocks.extend(part)
        number = t("title.case", number=self.file.case_number) if self.file.case_number else called
        return Document(
            language=t.language,
            title=t("title.report"),
            subtitle=t("title.made", time=time, version=__version__),
            running=f"{t('title.report')} · {number}",
            page_of=t("title.page", page="{page}", pages="{pages}"),
            author=self.file.examiner,
            blocks=blocks,
        )

    def _called(self, name: str) -> str:
        item = self.items.get(name)
        return f"{item} ({name})" if item else name

    def _count(self, references: int) -> str:
        return self.texts("title.one") if references == 1 else self.texts("title.many", number=references)

    # -- the answer

    def _notes(self) -> Iterator[Block]:
        t, answer = self.texts, self.case.answer
        notes = [str(one) for one in (*answer.remarks, *answer.reference_remarks)]
        if not answer.thresholds.calibrated:
            notes.append(t("remarks.uncalibrated"))
        if answer.references < 3:
            notes.append(t("remarks.few"))
        yield Notes(t("remarks.title"), notes) if notes else Paragraph(t("remarks.none"), soft=True)

    def _answer(self) -> Iterator[Block]:
        t, answer = self.texts, self.case.answer
        kind, limits = _KINDS.get(answer.decision, answer.decision.value), answer.thresholds
        accept = t("answer.never") if limits.accept is None else t("answer.number", value=limits.accept)
        reject = t("answer.never") if limits.reject is None else t("answer.number", value=limits.reject)
        score = t("answer.score", score=answer.score, accept=accept, reject=reject)
        yield Answer(kind, t(f"answer.{kind}"), [t(f"answer.{kind}_line"), score])
        origin = t("answer.thresholds", origin=limits.origin)
        yield Paragraph(f"{origin} {t('answer.policy', policy=answer.policy)}", soft=True)

    def _meaning(self) -> Iterator[Block]:
        t, evidence = self.texts, self.case.answer.evidence
        yield Heading(t("meaning.title"))
        if evidence is None:
            calibrated = self.case.answer.thresholds.calibrated
            yield Paragraph(t("meaning.no_ratio" if calibrated else "meaning.no_calibration"))
            return
        if evidence.supports is None:
            yield Paragraph(t("meaning.neutral"), strong=True)
        else:
            other = "H2" if evidence.supports == "H1" else "H1"
            size = 10 ** abs(evidence.log10_lr)
            times = f"{size:.1f}" if size < 10 else f"{float(f'{size:.2g}'):,.0f}"
            strength = t(f"meaning.strengths.{evidence.strength}")
            support = t("meaning.support", strength=strength, first=evidence.supports, second=other, times=times)
            yield Paragraph(support, strong=True)
        if evidence.bounded:
            yield Paragraph(t("meaning.bounded"))
        low, high = (10.0**bound for bound in evidence.bounds)
        ratio = t("meaning.lr_value", lr=evidence.lr, log=evidence.log10_lr, low=low, high=high)
        second = t(f"propositions.{evidence.alternative}")
        yield Rows([("H1", t("propositions.H1")), ("H2", second), (t("meaning.lr"), ratio)])
        method = t("meaning.method", method=evidence.method, data=evidence.data)
        yield Paragraph(f"{method} {t('meaning.explained')}", soft=True)

    def _rates(self) -> Iterator[Block]:
        """State the calibration's error rates, where they hold for this scan."""
        t, answer, calibration = self.texts, self.case.answer, self.comparison.calibration
        if calibration is None or answer.evidence is None or not answer.rates:
            return
        yield Heading(t("rates.title"))
        said = []
        for one in answer.rates:
            facts = {"rate": self._hundreds(one.rate), "writers": one.writers}
            facts |= {"low": f"{100 * one.low:.0f}", "high": f"{100 * one.high:.0f}"}
            if one.outcome == "accepted":
                said.append(t("rates.forged", kind=t(f"kinds.{one.kind}"), **facts))
            elif one.outcome == "rejected" or one.rate > 0:
                said.append(t("rates.genuine" if one.outcome == "rejected" else "rates.unsure", **facts))
        yield Bullets(said)
        yield Paragraph(
            t("rates.interval", references=self._count(calibration.references), data=answer.evidence.data), soft=True
        )

    def _hundreds(self, rate: float) -> str:
        t = self.texts
        return t("rates.few") if rate < 0.005 else t("rates.about", number=f"{100 * rate:.0f}")

    # -- what there is to see

    def _scans(self) -> Iterator[Block]:
        t = self.texts
        yield Heading(t("comparison.title"), page=True)
        figures = []
        questioned = self._figure(self.query, t("comparison.questioned", name=self._called(self.query.name)))
        for place, reference in self.references.items():
            caption = t("comparison.reference", number=place + 1, name=self._called(reference.name))
            scaled = not (self.query.scale_known and reference.scale_known)
            both, turn = overlay(ink_in(self.query, self.frame), ink_in(reference, self.frame), scaled=scaled)
            on = t("comparison.overlay", number=place + 1, turn=turn)
            figures += [questioned, self._figure(reference, caption), Figure(both, on, t("comparison.alt_overlay"))]
        if figures:
            yield Paragraph(t("comparison.about"), soft=True)
            yield Figures(figures, columns=3, together=True)
        else:
            yield Figures([questioned], columns=2)
        absent = len(self.case.references) - len(self.references)
        if absent:
            yield Paragraph(t("comparison.not_kept", count=self._count(absent)), strong=True)
        for one in (self.query, *self.references.values()):
            if one.measures is None:
                yield Paragraph(t("comparison.not_read", name=one.name), soft=True)
        if not all(one.scale_known for one in (self.query, *self.references.values())):
            yield Paragraph(t("comparison.unknown"), soft=True)

    def _figure(self, original: Original, caption: str) -> Figure:
        t = self.texts
        if original.tilt:
            caption += f", {t('comparison.turned', angle=original.tilt)}"
        ruler = None if original.scale_known else t("comparison.no_scale")
        picture = with_ruler(shown(original, self.frame), self.frame, ruler)
        return Figure(picture, caption, t("comparison.alt_scan"))

    def _measures(self) -> Iterator[Block]:
        t = self.texts
        yield Heading(t("measures.title"))
        query = self._measured(self.query) or Measured({}, True)
        found = self._references_measured()
        if not found:
            yield Paragraph(t("measures.none"))
        span, sized = ranges(list(found.values())), ranges([one for one in found.values() if one.scale_known])
        for name in LENGTHS:  # estimated sizes are not compared
            span.pop(name, None)
        span |= {name: sized[name] for name in LENGTHS & set(sized) if query.scale_known}
        span = {name: span[name] for name in span if name in query.values}
        head = [t("measures.measure"), t("measures.questioned")]
        listed = list(found.items()) if len(found) <= 6 else []  # more do not fit beside each other
        head += [t("measures.number", number=place + 1) for place, _ in listed]
        head += [t("measures.range"), t("measures.verdict")]
        rows, marked = [], set()
        for row, name in enumerate(NAMES):
            cells = [t(f"measures.{name}"), query.text(name), *(one.text(name) for _, one in listed)]
            if name in span:
                low, high = span[name]
                value = query.values[name]
                verdict = "below" if value < low else "above" if value > high else "within"
                cells += [f"{number(name, low)} – {number(name, high)}", t(f"measures.{verdict}")]
                if verdict != "within":
                    marked |= {(row, 1), (row, len(cells) - 1)}
            else:
                cells += ["–", "–"]
            rows.append(cells)
        yield Table(head, rows, frozenset(marked))
        if len(found) >= 2:
            share = 200 / (len(found) + 1)
            yield Paragraph(t("measures.about", count=self._count(len(found)), share=share), soft=True)
        if any(not one.scale_known and LENGTHS & set(one.values) for one in (query, *found.values())):
            yield Paragraph(t("measures.estimated"), soft=True)

    def _measured(self, one: Original) -> Measured | None:
        return None if one.measures is None else measured(one.measures, one.ink, one.scale_known)

    def _references_measured(self) -> dict[int, Measured]:
        """Return the measures of all references of which any are known, also where the image was not kept."""
        found = {}
        scans = self.case.comparison.references.scans or (None,) * len(self.case.references)
        for place, facts in enumerate(scans):
            if place in self.references:
                one = self._measured(self.references[place])
            else:
                one = None if facts is None else measured(facts.measures, None, facts.scale_known)
            if one is not None:
                found[place] = one
        return found

    def _influence(self) -> Iterator[Block]:
        t = self.texts
        query, others = influences(self.verifier, self.case)
        strongest = query.strongest(_STRONGEST)
        limit = float(np.abs(query.change).max()) or 1.0
        yield Heading(t("influence.title"), page=True)
        parts = int(np.count_nonzero(query.change))
        about = t("influence.about", limit=limit, parts=parts, few=REFERENCE_PARTS)
        yield Paragraph(f"{about} {t('influence.caution')}", soft=True)
        picture = influence_picture(self.query, self.frame, query, limit, [cell[:2] for cell in strongest])
        alt = t("influence.alt")
        yield Figures([Figure(picture, t("influence.questioned", name=self._called(self.query.name)), alt)], columns=2)
        rows = []
        for place, (row, column, change) in enumerate(strongest, 1):
            effect = t("influence.like" if change > 0 else "influence.unlike", change=change)
            rows.append([str(place), self._where(query.change.shape, row, column), effect])
        if rows:
            yield Table([t("influence.part"), t("influence.where"), t("influence.effect")], rows, lengthy=True)
        figures = []
        for place, found in others.items():
            original = self.references[place]
            largest = float(np.abs(found.change).max()) or 1.0
            caption = t("influence.reference", number=place + 1, name=self._called(original.name))
            figures.append(Figure(influence_picture(original, self.frame, found, largest), caption, alt))
        if figures:
            yield Figures(figures, columns=3)
        if len(self.references) > len(others):
            yield Paragraph(t("influence.more", number=EXPLAINED), soft=True)
        views = view_influences(self.verifier, self.case)
        if views:
            yield Paragraph(t("influence.views", number=len(views)))
            yield Table([t("influence.view"), t("influence.change")], [[name, f"{rise:+.3f}"] for name, rise in views])

    def _where(self, shape: tuple[int, ...], row: int, column: int) -> str:
        down = ("top", "middle", "bottom")[min(2, int(3 * (row + 0.5) / shape[0]))]
        across = ("left", "middle", "right")[min(2, int(3 * (column + 0.5) / shape[1]))]
        words = [self.texts(f"influence.down.{down}"), self.texts(f"influence.across.{across}")]
        return ", ".join(dict.fromkeys(words))

    def _scores(self) -> Iterator[Block]:
        t, calibration, answer = self.texts, self.comparison.calibration, self.case.answer
        evidence = answer.evidence
        if calibration is None or evidence is None:
            return
        order = sorted(calibration.alternatives.values(), key=lambda one: one.kind != "skilled")
        impostors = [(t("kinds.curve", kind=t(f"kinds.{one.kind}")), one.impostor) for one in order]
        words = t("kinds.genuine"), t("scores.mark", score=answer.score), t("scores.axis")
        limits = answer.thresholds
        picture = distribution_picture(
            calibration.genuine, impostors, answer.score, limits.accept, limits.reject, words
        )
        alternative = calibration.alternative(evidence.alternative)
        about = t(
            "scores.about",
            data=evidence.data,
            references=self._count(calibration.references),
            eer=100 * alternative.measures["eer"],
            cllr=alternative.cllr(evidence.method),
            kind=t(f"kinds.{alternative.kind}"),
        )
        yield Heading(t("scores.title"))
        yield Figures([Figure(picture, about, t("scores.alt"))], columns=1)

    def _agreement(self) -> Iterator[Block]:
        t, agreement = self.texts, self.comparison.agreement
        yield Heading(t("agreement.title"))
        if not len(agreement):
            yield Paragraph(t("agreement.few"))
            return
        names = ["" if one is None else self._called(one.name) for one in self.case.references]
        rows = [[f"{place + 1} {names[place]}", f"{score:.3f}"] for place, score in enumerate(agreement.tolist())]
        low = self.comparison.least_agreement
        odd = frozenset((place, 1) for place, score in enumerate(agreement.tolist()) if low is not None and score < low)
        yield Table([t("agreement.reference"), t("agreement.score")], rows, odd)
        yield Paragraph(t("agreement.about"), soft=True)

    # -- the file

    def _case(self) -> Iterator[Block]:
        t, entries = self.texts, self.file.entries()
        yield Heading(t("case.title"))
        given = [(t(f"case.{name}"), text) for name, text in entries if text]
        missing = [t(f"case.{name}") for name, text in entries if not text]
        if given:
            yield Rows(given)
        if self.file.material:
            head = [t(f"case.{name}") for name in ("item", "description", "condition", "date")]
            unknown = t("title.not_given")
            rows = [
                [
                    f"{one.item} ({one.file})" if one.file else one.item,
                    *(text or unknown for text in (one.description, one.condition, one.date)),
                ]
                for one in self.file.material
            ]
            yield Paragraph(t("case.material_title"), strong=True)
            yield Table(head, rows, lengthy=True)
        else:
            missing.append(t("case.material"))
        if missing:
            yield Paragraph(t("case.missing", names="; ".join(missing)), soft=True)

    def _method(self) -> Iterator[Block]:
        t = self.texts
        yield Heading(t("limits.title"))
        yield Bullets(t.all("limits.points"))
        yield Heading(t("method.title"))
        yield Bullets(t.all("method.steps"))
        yield Bullets(t.all("method.literature"))

    def _record(self) -> Iterator[Block]:
        import torch

        t, answer, query = self.texts, self.case.answer, self.case.query
        binding, evidence, comparison = answer.binding, answer.evidence, self.comparison
        yield Heading(t("record.title"))
        rows = [(t("record.query"), answer.query_hash)]
        digests = self.case.comparison.references.digests
        rows += [
            (t("record.reference", number=place), digest or t("record.unknown"))
            for place, digest in enumerate(digests, 1)
        ]
        ink = t("record.ink_value", width=query.ink.width, height=query.ink.height, stroke=query.ink.stroke)
        rows += [(t("record.ink"), ink), (t("record.model"), f"{binding.model_name} {binding.model_hash}")]
        rows.append((t("record.preprocessing"), self._preprocessing()))
        classifier = f"{comparison.classifier.name}: {comparison.classifier.title}"
        rows += [(t("record.classifier"), classifier), (t("record.negatives"), answer.negatives)]
        rows.append((t("record.policy"), str(answer.policy)))
        rows.append((t("record.policy_hash"), answer.policy.hash))
        if comparison.negatives == "cohort":
            rows.append((t("record.cohort"), self.verifier.cohort.hash))
        if evidence is not None:
            rows.append((t("record.calibration"), f"{evidence.method}, {evidence.data}"))
            rows.append((t("record.calibration_hash"), evidence.calibration_hash))
        versions = f"sigkd {__version__}, Python {platform.python_version()}, torch {torch.__version__}"
        rows.append((t("record.versions"), f"{versions}, NumPy {np.__version__}"))
        rows.append((t("record.device"), str(self.verifier.device)))
        yield Rows(rows, hashes=True)

    def _preprocessing(self) -> str:
        t, binding, views = self.texts, self.case.answer.binding, self.verifier.model.placing.views
        if not views:
            height, width = binding.canvas
            return t("record.canvas", version=binding.preprocess_version, height=height, width=width)
        scaled = self.comparison is self.case.comparison
        scale = t("record.known" if scaled else "record.not_known")
        return t("record.views", version=binding.preprocess_version, views=", ".join(views), scale=scale)

    def _signing(self) -> Sequence[Block]:
        t = self.texts
        labels = [t("signing.place"), t("signing.examiner")]
        if self.file.reviewer:
            labels.append(t("signing.reviewer"))
        return [Heading(t("signing.title")), Signing(labels)]
