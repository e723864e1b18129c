"""The Python interface for programs and services: load once, enrol, verify."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import AUTO, COHORT
from sigkd.classifiers.base import PREFERRED, Classifier, Template, choose_classifier
from sigkd.classifiers.cohort import check_cohort, resolve_cohort
from sigkd.classifiers.negatives import Negatives
from sigkd.errors import CohortError, InputError, UsageError
from sigkd.gallery import Gallery, StoredReference
from sigkd.gallery.records import clean_name
from sigkd.images.remarks import Remark
from sigkd.images.resolution import Resolution, given_resolution
from sigkd.models.binding import Binding
from sigkd.models.views import columns_without_scale
from sigkd.paths import data_dir
from sigkd.progress import SILENT, Progress
from sigkd.verification.calibration import KNOWN, UNKNOWN, CalibrationSet, load_calibration
from sigkd.verification.choices import Choices
from sigkd.verification.comparison import Case, Comparison, Fit, Operating, References, Unscaled
from sigkd.verification.enrolled import EnrolledWriters
from sigkd.verification.policy import Policy, PolicyInForce
from sigkd.verification.remarks import distinct
from sigkd.verification.result import Verification
from sigkd.verification.samples import ImageInput, Sample, read_sample

if TYPE_CHECKING:
    import torch

    from sigkd.models.io import LoadedModel

logger = logging.getLogger(__name__)


class Verifier:
    """Verifies signatures against given references or against enrolled writers.

    Everything heavy is loaded once; after that all methods may be called from several threads at a time.

    Example:
        >>> from sigkd import Choices, Verifier
        >>> verifier = Verifier(Choices(far=0.01))  # doctest: +SKIP
        >>> verifier.verify_against(["ref1.png", "ref2.png"], "query.png").decision  # doctest: +SKIP
        <Decision.ACCEPTED: 'accepted'>
    """

    def __init__(
        self,
        choices: Choices | None = None,
        *,
        gallery: str | Path | Gallery | None = None,
        passphrase: str | None = None,
        negatives: str = COHORT,
        actor: str | None = None,
        audit: bool = True,
    ) -> None:
        """Load the model now; the cohort, the calibration and the gallery when they are first needed.

        Args:
            choices: model, cohort, calibration, classifier, rates, device; None is the default of each.
            gallery: an open gallery or the file of one; it is made at the first enrolment.
            passphrase: encrypts a new gallery, opens an encrypted one.
            negatives: what enrolled writers are fitted against: ``cohort`` or ``writers``.
            actor: who, for the gallery's log; by default the user.
            audit: write verifications to the log.

        Raises:
            ModelError: the model cannot be loaded; CohortError: a loaded cohort is another model's; UsageError: a
                resolution for a model that knows none.
        """
        from sigkd.models.device import resolve_device
        from sigkd.models.io import LoadedModel, load_model

        self.choices = choices = choices or Choices()
        model = choices.model
        self.model = model if isinstance(model, LoadedModel) else load_model(model, cache=choices.cache)
        self.device: torch.device = resolve_device(choices.device)
        self.binding = Binding.of(self.model)
        if choices.dpi is not None and not self.model.placing.views:
            raise UsageError(
                f"`dpi`: the model {self.model.name} looks at the pixels as they are; a resolution counts for models "
                "of views"
            )
        logger.info("model %s %s on %s", self.model.name, self.model.hash[:12], self.device)
        self._cohort = choices.cohort if isinstance(choices.cohort, Negatives) else None
        if self._cohort is not None:
            check_cohort(self._cohort, self.binding)
        # By the cohort's hash; the pool of other enrolled writers is under None.
        self._operating: dict[str | None, Operating] = {}
        self._gallery_source, self._passphrase = gallery, passphrase
        self._negatives, self._actor, self._audit = negatives, actor, audit
        self._enrolled: EnrolledWriters | None = None
        self._rule: PolicyInForce | None = None
        self._for_many: LoadedModel | None = None
        # Re-entrant: opening the gallery asks for the rule, and the rule for the gallery.
        self._lock = threading.RLock()

    # -- what an answer is made of

    @property
    def cohort(self) -> Negatives:
        """The negatives that stand for anybody else."""
        choices = self.choices
        with self._lock:
            if self._cohort is None:
                assert not isinstance(choices.cohort, Negatives)  # noqa: S101 - it would have been taken at once
                self._cohort = resolve_cohort(
                    choices.cohort,
                    self.model,
                    data=data_dir(choices.data),
                    cache=choices.cache,
                    device=self.device,
                    progress=choices.progress,
                )
                logger.info("cohort %s: %s", self._cohort.hash[:12], self._cohort.description)
            return self._cohort

    def make_cohort(self) -> Negatives:
        """Return the cohort; where the model has none, make one of made-up signatures and keep it in the cache.

        Raises:
            CohortError: a named cohort is another model's.
        """
        from sigkd.classifiers.cohort import build_cohort, cached_path, save_cohort

        choices = self.choices
        try:
            return self.cohort
        except CohortError:
            if choices.cohort is not None:
                raise
        # A model of one's own: nobody has made a cohort for it. Made-up writers need no data and no consent.
        made = build_cohort(
            ["made-up"], self.model, data=data_dir(choices.data), device=self.device, progress=choices.progress
        )
        save_cohort(made, cached_path(self.model.hash, choices.cache))
        return self.cohort

    @property
    def rule(self) -> PolicyInForce:
        """The policy in force: that of the gallery where one is bound to it, else the chosen one.

        Raises:
            UsageError: another one was chosen, or a change that it does not allow; InputError: its file cannot be read.
        """
        with self._lock:
            if self._rule is None:
                gallery = self.gallery if self._gallery_exists() else None
                if self._rule is None:  # opening the gallery asks for it, too
                    bound = None if gallery is None else gallery.policy
                    self._rule = self.choices.in_force(bound, "" if gallery is None else str(gallery.path))
            return self._rule

    def operating(self, negatives: Negatives) -> Operating:
        """Return how scores against these negatives become answers."""
        # The pool of other writers grows with every enrolment: its hash would fit no calibration twice.
        cohort_hash = negatives.hash if negatives.kind == COHORT else None
        with self._lock:
            if cohort_hash not in self._operating:
                source = self.choices.calibration
                if isinstance(source, CalibrationSet):
                    source.check(self.binding, cohort_hash)
                    calibrations: CalibrationSet | None = source
                else:
                    calibrations = load_calibration(source, self.binding, cohort_hash)
                logger.info("calibration: %s", "none" if calibrations is None else calibrations.source)
                rule = self.rule
                if calibrations is not None:
                    rule.policy.check_calibration(calibrations.hash, calibrations.source)
                self._operating[cohort_hash] = Operating(self.choices, calibrations, rule)
            return self._operating[cohort_hash]

    def classifier(self, references: int, negatives: str = COHORT) -> Classifier:
        """Return the classifier that is chosen for so many references and this kind of negatives."""
        calibrated = set()
        if self.choices.classifier == AUTO:
            calibrations = self.operating(self.cohort).calibrations
            for name in PREFERRED:
                found = calibrations.find(name, negatives, references) if calibrations is not None else None
                # a calibration with more references than there are would promise more than they can hold
                if found is not None and found.references <= references:
                    calibrated.add(name)
        return choose_classifier(self.choices.classifier, references, calibrated=calibrated)

    def sample(
        self,
        source: ImageInput | Sample,
        *,
        name: str | None = None,
        keep: bool = False,
        dpi: Resolution | None = None,
        presumed: Resolution | None = None,
        thumbnail: bool = False,
    ) -> Sample:
        """Read one signature and place it as the model needs it; see :func:`.samples.read_sample`.

        The resolution is ``dpi``, else the one chosen for all scans, else the file's, else ``presumed``.
        """
        if isinstance(source, Sample):
            return source
        if dpi is None and self.choices.dpi is not None:
            dpi = given_resolution(self.choices.dpi)
        page = self.choices.page
        placing = self.model.placing
        return read_sample(
            source, placing, name=name, keep=keep, page=page, dpi=dpi, presumed=presumed, thumbnail=thumbnail
        )

    def kept_sample(self, reference: StoredReference, presumed: Resolution | None) -> Sample:
        """Read the kept image of a reference again, at the resolution that it was enrolled with."""
        assert reference.image is not None  # noqa: S101 - the caller has looked
        # What was told at the enrolment (perhaps by a person) counts, not what the file says now.
        told = reference.scan.resolution if reference.scan is not None else None
        dpi = told if told is not None and told.known else None
        return read_sample(
            reference.image, self.model.placing, name=reference.name, keep=True, dpi=dpi, presumed=presumed
        )

    def features(self, images: Sequence[NDArray[np.uint8]], progress: Progress = SILENT) -> NDArray[np.float32]:
        """Return the features float32 [n, D] of placed images uint8 [170, 242] ([V, 170, 242] in views)."""
        from sigkd.models.extract import extract_features

        start = time.perf_counter()
        stacked = np.stack(list(images))
        model = self._for_many or self.model
        features = extract_features(model, stacked, device=self.device, progress=progress)
        logger.debug("features of %d images in %.0f ms", len(features), 1000 * (time.perf_counter() - start))
        return features

    def prepare(self) -> None:
        """Make the network ready for many images on a processor: a tenth of a second that a service or a table repays.

        Features then take two thirds of the time, and differ by rounding from those before: so call it first.
        """
        with self._lock:
            if self._for_many is None and self.device.type == "cpu":
                self._for_many = self.model.for_many()

    def compare_features(
        self,
        references: References,
        *,
        writer: str | None = None,
        negatives: Negatives | None = None,
        template: tuple[Classifier, Template, NDArray[np.float64]] | None = None,
        whole: Negatives | None = None,
    ) -> Comparison:
        """Make a comparison from references' features.

        Args:
            references: what is known of the references.
            writer: whose they are.
            negatives: what to fit against; None is the cohort.
            template: an already fitted template with its classifier and the agreement of the references; None: it is
                fitted when a query first needs it.
            whole: given where the features are those of the views without a scale alone: all features of the negatives,
                to which the calibration is bound.
        """
        negatives = negatives or self.cohort
        if template is None:
            classifier = self.classifier(len(references.features), negatives.kind)
            fit: Fit = partial(classifier.enroll, references.features, negatives)
        else:
            classifier, fitted, agreement = template
            fit = lambda: (fitted, agreement)  # noqa: E731
        unscaled = None
        if whole is None and self.model.projections:
            # Slices of the same features: the other views need not be extracted again where a resolution is unknown.
            columns = columns_without_scale(self.model.projections)
            alone = partial(references.columns, columns), partial(negatives.columns, columns)
            unscaled = Unscaled(
                columns,
                lambda: self.compare_features(alone[0](), writer=writer, negatives=alone[1](), whole=negatives),
            )
        # A calibration is bound to the hash of all of the negatives' features, of which these are columns.
        scale = KNOWN if whole is None else UNKNOWN
        return self.operating(whole or negatives).comparison(
            writer, references, negatives, classifier, fit, self.binding, scale, unscaled
        )

    # -- references given as images

    def compare(self, references: Iterable[ImageInput | Sample]) -> Comparison:
        """Prepare references given as images; the result judges any number of queries.

        Raises:
            UsageError: no references; ImageError: one cannot be used.
        """
        samples, _ = distinct([self.sample(reference) for reference in references])
        if not samples:
            raise UsageError("at least one reference is needed")
        return self.compare_features(References.of(samples, self.features([sample.image for sample in samples])))

    def judge(self, comparison: Comparison, queries: Sequence[ImageInput | Sample]) -> list[Verification]:
        """Verify several queries against prepared references."""
        samples = [self.sample(query) for query in queries]
        if not samples:
            return []
        return comparison.judge(samples, self.features([sample.image for sample in samples]))

    def case_against(self, references: Iterable[ImageInput | Sample], query: ImageInput | Sample) -> Case:
        """Verify one query against references given as images, and return all that a report shows.

        Raises:
            As :meth:`verify_against`.
        """
        return self.cases_against(references, [query])[0]

    def cases_against(
        self, references: Iterable[ImageInput | Sample], queries: Iterable[ImageInput | Sample], *, keep: bool = True
    ) -> list[Case]:
        """Verify several queries against references given as images; ``keep``: with all that reports show.

        Raises:
            As :meth:`verify_against`.
        """
        kept, remarks = distinct([self.sample(image, keep=keep) for image in references])
        if not kept:
            raise UsageError("at least one reference is needed")
        asked = [self.sample(query, keep=keep) for query in queries]
        if not asked:
            return []
        features = self.features([sample.image for sample in (*kept, *asked)])  # of all in one batch
        count = len(kept)
        comparison = self.compare_features(References.of(kept, features[:count]))
        remarks += [replace(one, image=sample.name) for sample in kept for one in sample.remarks]
        answers = comparison.judge(asked, features[count:])
        return [
            Case(comparison, tuple(kept), sample, replace(answer, reference_remarks=tuple(remarks)))
            for sample, answer in zip(asked, answers, strict=True)
        ]

    def verify_against(self, references: Iterable[ImageInput | Sample], query: ImageInput | Sample) -> Verification:
        """Verify one query against references given as images.

        Args:
            references: files, contents of files, binary streams, or grey scans uint8 [H, W].
            query: likewise.

        Returns:
            Decision, score, thresholds, likelihood ratio and remarks.

        Raises:
            ImageError: an image cannot be used; UsageError: no references; CohortError, CalibrationError: they do not
                fit.
        """
        return self.cases_against(references, [query], keep=False)[0].answer

    # -- enrolled writers

    def open_gallery(self, *, create: bool = False) -> EnrolledWriters:
        """Return the enrolled writers; the gallery is opened once.

        Raises:
            GalleryError: it cannot be opened, or was made with another model; UsageError: none was named.
        """
        with self._lock:
            if self._enrolled is None:
                source = self._gallery_source
                if source is None:
                    raise UsageError("no gallery was named: Verifier(gallery=FILE)")
                if create and not self._gallery_exists():
                    self._check_asker(self.rule.policy)  # what it does not allow must not leave an empty gallery
                if isinstance(source, Gallery):
                    gallery = source
                elif create:
                    gallery = Gallery.create(
                        Path(source), passphrase=self._passphrase, log=self._audit, actor=self._actor
                    )
                else:
                    gallery = Gallery(Path(source), passphrase=self._passphrase)
                self._enrolled = EnrolledWriters(
                    self, gallery, negatives=self._negatives, actor=self._actor, log=self._audit
                )
                # only an open gallery knows its policy, and whether it keeps its log
                self._check_asker(self.rule.policy)
                self.rule.policy.check_audit(gallery.audited)
            return self._enrolled

    def _check_asker(self, policy: Policy) -> None:
        policy.check_actor(self._actor)
        policy.check_audit(self._audit)

    def _gallery_exists(self) -> bool:
        source = self._gallery_source
        return isinstance(source, Gallery) or (source is not None and Path(source).exists())

    def _presumed(self) -> Resolution | None:
        """Return what the gallery presumes of its scans; None where there is no gallery yet."""
        return self.gallery.resolution if self._gallery_exists() else None

    def _knows(self, name: str) -> bool:
        """Tell whether somebody is enrolled, without making a gallery."""
        return self._gallery_exists() and name in self.gallery

    @property
    def gallery(self) -> Gallery:
        """The open gallery."""
        return self.open_gallery().gallery

    def enroll(
        self, name: str, images: Iterable[ImageInput | Sample], *, keep_images: bool = False, mode: str = "new"
    ) -> tuple[Remark, ...]:
        """Enrol a writer; on return the enrolment is on the disk.

        Args:
            name: of the writer.
            images: the references: files, contents of files, binary streams, or grey scans.
            keep_images: store the files too, so that another model can be used later; those of a writer whose images
                are kept are kept whatever this says.
            mode: ``new`` (an enrolled name is an error), ``add`` references or ``replace`` them.

        Returns:
            Remarks on the images.

        Raises:
            ImageError, UsageError; AlreadyEnrolledError: in the mode ``new``; GalleryError.
        """
        clean_name(name)  # what cannot be enrolled must not leave an empty gallery
        keep_images = keep_images or self.keeps_images(name, mode)
        presumed = self._presumed()
        given = [self.sample(image, keep=keep_images, presumed=presumed) for image in images]
        if not given:
            raise UsageError(f"'{name}': at least one reference is needed")
        samples, remarks = distinct(given, self.gallery.references(name) if mode == "add" and self._knows(name) else ())
        if not samples:
            raise InputError(f"'{name}': nothing to add, all are copies of references: {remarks[0]}")
        features = self.features([sample.image for sample in samples])
        if self._negatives == COHORT:
            # Found now: without it the enrolment would be written, and the first verification would fail.
            _ = self.cohort
        found = self.open_gallery(create=True).enroll_many([(name, samples)], features, mode=mode)
        own = (replace(one, image=sample.name) for sample in samples for one in sample.remarks)
        return (*remarks, *own, *found)

    def keeps_images(self, name: str, mode: str) -> bool:
        """Tell whether a writer whose references are added to or replaced has the images kept."""
        return mode != "new" and self._knows(name) and self.gallery.writers(name)[0].images

    def verify(self, writer: str, query: ImageInput | Sample) -> Verification:
        """Verify one query against an enrolled writer; the answer is logged.

        Raises:
            NotEnrolledError; GalleryError: the log cannot be written; ImageError: the query cannot be used.
        """
        return self.verify_many(writer, [query])[0]

    def verify_many(self, writer: str, queries: Sequence[ImageInput | Sample]) -> list[Verification]:
        """Verify several queries against an enrolled writer."""
        enrolled = self.open_gallery()
        samples = [self.sample(query, presumed=enrolled.gallery.resolution) for query in queries]
        if not samples:
            return []
        return enrolled.verify(writer, samples, self.features([sample.image for sample in samples]))

    def case_of(self, writer: str, query: ImageInput | Sample) -> Case:
        """Verify one query against an enrolled writer as :meth:`verify` does, and return all that a report shows."""
        enrolled = self.open_gallery()
        presumed = enrolled.gallery.resolution
        sample = self.sample(query, keep=True, presumed=presumed)
        answer = enrolled.verify(writer, [sample], self.features([sample.image]))[0]
        # After the answer: it was logged by then, whatever becomes of the report.
        kept = enrolled.gallery.references(writer, images=True)
        references = tuple(None if one.image is None else self.kept_sample(one, presumed) for one in kept)
        return Case(enrolled.comparison(writer), references, sample, answer)

    def close(self) -> None:
        """Close the gallery."""
        with self._lock:
            # An open gallery that was handed over is its owner's to close.
            if self._enrolled is not None and not isinstance(self._gallery_source, Gallery):
                self._enrolled.gallery.close()
                self._enrolled = None

    def __enter__(self) -> Verifier:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
