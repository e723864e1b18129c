"""Enrolled writers ready to judge queries: templates from the gallery, fitted once, kept in the file and in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import COHORT, WRITERS
from sigkd.classifiers.base import LEAST_FOR_AGREEMENT, Arrays, Classifier, Template
from sigkd.classifiers.negatives import Negatives, check_kind
from sigkd.errors import GalleryError, SigkdError
from sigkd.gallery import Gallery, StoredReference, audit
from sigkd.gallery.changes import notes_of
from sigkd.gallery.queries import EarlierQuery, earlier_queries, keep_queries
from sigkd.gallery.records import WriterState, clean_name, rounded_features
from sigkd.gallery.templates import keep_template, load_pool, load_template
from sigkd.images.remarks import Remark
from sigkd.models.views import columns_without_scale
from sigkd.progress import SILENT, Progress
from sigkd.verification.comparison import Comparison, References, ruled
from sigkd.verification.decision import Decision
from sigkd.verification.elsewhere import LEADING, Elsewhere
from sigkd.verification.policy import Policy
from sigkd.verification.remarks import earlier_remarks, odd_references
from sigkd.verification.result import Verification
from sigkd.verification.samples import Sample

if TYPE_CHECKING:
    from sigkd.verification.verifier import Verifier

CACHED = 64
"""Comparisons that are kept in memory (at most about 5 MB each)."""
LEAST_OTHERS = 5
"""Other writers that must be enrolled before their references can serve as negatives."""


class EnrolledWriters:
    """The gallery seen by a verifier. Thread-safe."""

    def __init__(self, verifier: Verifier, gallery: Gallery, *, negatives: str, actor: str | None, log: bool) -> None:
        """Check that the gallery belongs to the verifier's model.

        Args:
            verifier: model, cohort and calibration.
            gallery: the open file.
            negatives: ``cohort``, or ``writers``: a pool of at most 1,000 references of other enrolled writers.
            actor: who, for the log.
            log: write verifications to the log (where the gallery keeps one).

        Raises:
            GalleryError: another model; UsageError: unknown negatives.
        """
        check_kind(negatives)
        gallery.check_binding(verifier.binding)
        if gallery.resolution is not None and not verifier.model.placing.views:
            raise GalleryError(
                f"{gallery.path}: presumes a resolution, and the model {verifier.model.name} looks at the pixels as "
                "they are: 'sigkd gallery settings --dpi none', or use a model of views"
            )
        self.verifier, self.gallery, self.negatives, self.actor, self.log = verifier, gallery, negatives, actor, log
        self._cache: OrderedDict[str, tuple[WriterState, Comparison]] = OrderedDict()
        self._pool: tuple[str, list[str], NDArray[np.float32]] | None = None
        self._elsewhere: Elsewhere | None = None
        self._lock = threading.RLock()

    def enroll_many(
        self, writers: Sequence[tuple[str, Sequence[Sample]]], features: NDArray[np.float32], *, mode: str = "new"
    ) -> list[Remark]:
        """Enrol writers, given the features [n, D] of their samples in order; kept images are the samples' contents.

        Templates against the cohort are fitted and stored at once, those against other writers when first needed (each
        enrolment changes what they are fitted against).

        Returns:
            Remarks on references that are enrolled under another writer too, or do not fit the writer's others; each
            has the file as ``image``.
        """
        rows, position = [], 0
        for name, samples in writers:
            vectors = features[position : position + len(samples)]
            position += len(samples)
            kept = [
                StoredReference(vector, sample.name, sample.digest, sample.ink, sample.content, sample.scan)
                for vector, sample in zip(vectors, samples, strict=True)
            ]
            rows.append((name, kept))
        templates = (
            {}
            # With 'add' the old references count too: those are read once they are together in the file.
            if self.negatives == "writers" or mode == "add"
            else {name: self._fit_cohort(kept) for name, kept in rows}
        )
        found: list[Remark] = []
        with self._lock:
            self._refresh_elsewhere()  # before others have to wait for the write
            try:
                with self.gallery.writing():
                    elsewhere = self._refresh_elsewhere()
                    self.gallery.enroll_rows(rows, self.verifier.binding, mode=mode, actor=self.actor)
                    for name, (classifier, arrays) in templates.items():
                        key = f"cohort:{self.verifier.cohort.hash}"
                        keep_template(self.gallery, name, classifier.name, key, arrays)
                    for (name, samples), (_, kept) in zip(writers, rows, strict=True):
                        found += elsewhere.take(name, samples, np.stack([one.features for one in kept]))
                    elsewhere.follow()
            except BaseException:
                self._elsewhere = None  # it has what the gallery has not
                raise
            for name, _ in writers:
                self._cache.pop(clean_name(name), None)
        for (name, samples), (_, kept) in zip(writers, rows, strict=True):
            found += self._odd(name, samples, kept, templates.get(name))
        return found

    def _refresh_elsewhere(self) -> Elsewhere:
        if self._elsewhere is None or self._elsewhere.outdated:
            projections = self.verifier.model.projections
            columns = columns_without_scale(projections) if projections else slice(0, LEADING)
            self._elsewhere = Elsewhere(self.gallery, columns)
        return self._elsewhere

    def _odd(
        self,
        name: str,
        samples: Sequence[Sample],
        kept: Sequence[StoredReference],
        fitted: tuple[Classifier, Arrays] | None,
    ) -> list[Remark]:
        """Return remarks on references that do not fit the writer's others, as ``verify`` would find them."""
        given = {sample.digest: sample.file or sample.name for sample in samples}
        files = [sample.file or sample.name for sample in samples]
        try:
            if fitted is None:
                own = self.comparison(name)
                files = [given.get(one.digest, one.name) for one in self.gallery.references(name)]
            else:
                classifier, arrays = fitted
                features = rounded_features(np.stack([one.features for one in kept]))
                template = classifier.restore(arrays, features, self.verifier.cohort)
                agreement = np.asarray(arrays["agreement"], np.float64)
                own = self.verifier.compare_features(
                    References.of(kept, features), writer=name, template=(classifier, template, agreement)
                )
            chosen = own if own.unscaled is None or own.references.scale_known else own.unscaled.comparison
            odd = odd_references(chosen.agreement, chosen.least_agreement) if len(files) >= LEAST_FOR_AGREEMENT else []
        except (
            SigkdError
        ):  # too few other writers yet, no calibration that the policy asks for: the first answer says so
            return []
        text = "does not fit the writer's other references: check that it is the same person's"
        return [Remark("references-disagree", text, files[place]) for place in odd]

    def _fit_cohort(self, kept: Sequence[StoredReference]) -> tuple[Classifier, Arrays]:
        # As the gallery keeps them: a template of other digits would not be the one that is fitted again later.
        features = rounded_features(np.stack([one.features for one in kept]))
        classifier = self.verifier.classifier(len(features))
        return classifier, _fit(classifier, features, self.verifier.cohort)[1]

    def comparison(self, name: str) -> Comparison:
        """Return the writer's references ready to judge; fitted and stored where that was not done before.

        Raises:
            GalleryError: not enrolled, or too few other writers to serve as negatives.
        """
        name = clean_name(name)
        state = self._state(name)
        with self._lock:
            # The state is read from the file each time, so a change by another process is seen.
            cached = self._cache.get(name)
            if cached is not None and cached[0] == state:
                self._cache.move_to_end(name)
                return cached[1]
        state, made = self._make(name)
        with self._lock:
            self._cache[name] = (state, made)
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        return made

    def _state(self, name: str) -> WriterState:
        """Return what the comparison depends on; the pool only where it serves as negatives."""
        state = self.gallery.state(name)
        return state if self.negatives == "writers" else state._replace(pool_version=0)

    def _make(self, name: str) -> tuple[WriterState, Comparison]:
        with self.gallery.reading():  # state, references and template of one state of the file
            self.gallery.check_binding(self.verifier.binding)
            state, stored = self._state(name), self.gallery.references(name)
            classifier = self.verifier.classifier(len(stored), self.negatives)
            if self.negatives == COHORT or self.negatives not in classifier.answers_against:
                against = self.verifier.cohort
                key = f"cohort:{against.hash}"
            else:
                against, key = self._others(name)
            arrays = load_template(self.gallery, name, classifier.name, key)
        features = np.stack([one.features for one in stored])
        template: Template
        if arrays is None:
            template, arrays = _fit(classifier, features, against)
            # With the revision: a writer who was changed meanwhile does not get a template of what was there before.
            if not self.gallery.read_only:
                with self.gallery.writing():
                    keep_template(self.gallery, name, classifier.name, key, arrays, revision=state.revision)
        else:
            template = classifier.restore(arrays, features, against)
        agreement = np.asarray(arrays["agreement"], np.float64)
        return state, self.verifier.compare_features(
            References.of(stored, features),
            writer=name,
            negatives=against,
            template=(classifier, template, agreement),
        )

    def _others(self, name: str) -> tuple[Negatives, str]:
        with self._lock:
            if self._pool is None or not self._pool[0].endswith(f":{self.gallery.state(name).pool_version}"):
                self._pool = load_pool(self.gallery)
            key, subjects, features = self._pool
        # The pool is everybody's and kept once; each writer takes the own references out of it.
        own = self.gallery.subject(name).hex()
        others = [row for row, subject in enumerate(subjects) if subject != own]
        names, owners = np.unique([subjects[row] for row in others], return_inverse=True)
        writers = len(names)
        if writers < LEAST_OTHERS:
            raise GalleryError(
                f"negatives 'writers' need {LEAST_OTHERS} other enrolled writers, there are {writers}: use "
                "`negatives='cohort'`"
            )
        text = f"{len(others)} references of {writers} other enrolled writers"
        return Negatives(features[others], text, WRITERS, owners), key

    def verify(self, name: str, samples: Sequence[Sample], features: NDArray[np.float32]) -> list[Verification]:
        """Judge queries; log the answers and keep what copies of the queries are found by, in one transaction.

        Where nothing is logged, nothing is kept of the queries either.
        """
        # One code path for one query and for a table of claims.
        (answers,) = self.verify_groups([(name, samples, features)])
        if isinstance(answers, SigkdError):
            raise answers
        return answers

    def verify_groups(
        self, groups: Sequence[tuple[str, Sequence[Sample], NDArray[np.float32]]]
    ) -> list[list[Verification] | SigkdError]:
        """Judge queries of several writers as :meth:`verify` does, all in one transaction.

        Args:
            groups: writers with their queries and the features [n, D] of these.

        Returns:
            For each group the answers, or why there are none.

        Raises:
            GalleryError: the log cannot be written.
        """
        judged: list[list[Verification] | SigkdError] = []
        for name, samples, features in groups:
            try:
                # Fitted outside of the transaction: other processes would wait for it.
                judged.append(self.comparison(name).judge(samples, features))
            except SigkdError as error:
                judged.append(error)
        logged = self.log and self.gallery.audited and any(not isinstance(one, SigkdError) and one for one in judged)
        # read and kept in one transaction: of two copies that come at once, one is the second
        with self.gallery.writing() if logged else nullcontext():
            for place, (name, samples, _) in enumerate(groups):
                answers = judged[place]
                if isinstance(answers, SigkdError):
                    continue
                earlier = earlier_queries(self.gallery, name)
                flag = notes_of(self.gallery, name).flag
                answers, new = _looked_back(answers, samples, earlier, self.verifier.rule.policy, flag)
                judged[place] = answers
                if logged:
                    keep_queries(self.gallery, name, new)
                    for answer in answers:
                        self.gallery.log(self.actor, "verify", name, self._detail(answer))
        return judged

    def _detail(self, answer: Verification) -> dict[str, Any]:
        """Return what the log keeps of an answer, with the share of such answers that a person looks at."""
        share = self.verifier.rule.policy.reviewed(answer.decision)
        return answer.log_detail() | ({} if share is None else {"sample": share})


def _kept(sample: Sample, time: str) -> EarlierQuery:
    """Return what is kept of a query."""
    scan = sample.scan
    picture = None if scan is None else scan.picture
    dpi = None if scan is None or not scan.scale_known else (scan.reckoned.x, scan.reckoned.y)
    return EarlierQuery(time, sample.digest, picture, sample.file, sample.page, dpi, sample.box)


def _looked_back(
    answers: Sequence[Verification],
    samples: Sequence[Sample],
    earlier: Sequence[EarlierQuery],
    policy: Policy,
    flag: str,
) -> tuple[list[Verification], list[EarlierQuery]]:
    """Return the answers in the light of earlier queries and of a flag, and the queries that are new."""
    found, known, time = [], list(earlier), audit.now()
    for answer, sample in zip(answers, samples, strict=True):
        remarks = earlier_remarks(sample, known)
        if flag:
            remarks.append(Remark("flagged", f"the writer is flagged: {flag}"))
        decision, decisive = ruled(policy, answer.decision, remarks)
        # A refusal stays one: there never was an answer that a copy could change.
        if decisive and answer.decision is not Decision.REFUSED:
            if decision is not Decision.REFUSED:  # what the scan itself has shown still holds
                decision = Decision.COPY if answer.decision is Decision.COPY else decision
                decisive = (*decisive, *answer.decisive)
            answer = replace(answer, decision=decision, decisive=decisive)
            # The ratio of a copy would be high, and read as support; an inconclusive answer may keep its own.
            if decision is not Decision.INCONCLUSIVE:
                answer = replace(answer, evidence=None, rates=())
        found.append(replace(answer, remarks=(*remarks, *answer.remarks)))
        # Within one call, too: of two copies given together the second is one.
        if all(one.digest != sample.digest for one in known):
            known.append(_kept(sample, time))
    return found, known[len(earlier) :]


def _fit(classifier: Classifier, features: NDArray[np.float32], against: Negatives) -> tuple[Template, Arrays]:
    template, agreement = classifier.enroll(features, against)
    return template, {**template.to_arrays(), "agreement": agreement}


def model_of_gallery(path: Path, passphrase: str | None) -> str | None:
    """Return the registered name of the model that a gallery belongs to; None where it is the default, or not known.

    Raises:
        GalleryError: the gallery cannot be opened.
    """
    from sigkd.models.cards import is_card

    with Gallery(path, passphrase=passphrase) as gallery:
        binding = gallery.binding
    return None if binding is None or not is_card(binding.model_name) else binding.model_name


def rekey_gallery(
    gallery: Gallery, verifier: Verifier, *, actor: str | None = None, progress: Progress = SILENT
) -> tuple[int, list[str]]:
    """Extract the features of all kept images with a verifier's model; see :func:`.maintenance.rekey_model`.

    Where the model has no cohort, one of made-up signatures is made in the cache.
    """
    from sigkd.gallery.maintenance import rekey_model

    verifier.make_cohort()  # else the change would succeed, and nothing could be verified after it

    def extract(kept: list[StoredReference]) -> list[StoredReference]:
        samples = [verifier.kept_sample(one, presumed=gallery.resolution) for one in kept]
        features = verifier.features([sample.image for sample in samples])
        return [
            replace(one, features=vector, ink=sample.ink, scan=sample.scan)
            for one, sample, vector in zip(kept, samples, features, strict=True)
        ]

    if verifier.operating(verifier.cohort).calibrations is None:
        progress.warn(
            f"no calibration fits the model {verifier.model.name}: answers will not be calibrated until there is one "
            "('sigkd calibrate')"
        )
    return rekey_model(gallery, verifier.binding, extract, actor=actor, progress=progress)
