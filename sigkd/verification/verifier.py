"""The Python interface for programs and services: load once, enrol, verify."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sigkd.classifiers import AUTO, Negatives
from sigkd.errors import UsageError
from sigkd.gallery import Gallery
from sigkd.images.remarks import Remark
from sigkd.progress import SILENT, Progress
from sigkd.verification.calibration import CalibrationSet
from sigkd.verification.comparison import Comparison
from sigkd.verification.engine import Engine
from sigkd.verification.enrolled import EnrolledWriters
from sigkd.verification.result import Verification
from sigkd.verification.samples import ImageInput, Sample

if TYPE_CHECKING:
    from sigkd.models.io import LoadedModel


class Verifier:
    """Verifies signatures against given references or against enrolled writers.

    Everything heavy is loaded once; after that all methods may be called from several threads at a time.

    Example:
        >>> from sigkd import Verifier
        >>> verifier = Verifier()  # doctest: +SKIP
        >>> verifier.verify_against(["ref1.png", "ref2.png"], "query.png").decision  # doctest: +SKIP
        <Decision.ACCEPTED: 'accepted'>
    """

    def __init__(
        self,
        model: str | Path | LoadedModel | None = None,
        *,
        cohort: str | Path | Negatives | None = None,
        calibration: str | Path | CalibrationSet | None = None,
        classifier: str = AUTO,
        method: str | None = None,
        against: str | None = None,
        far: float | None = None,
        frr: float | None = None,
        gallery: str | Path | Gallery | None = None,
        passphrase: str | None = None,
        negatives: str = "cohort",
        actor: str | None = None,
        audit: bool = True,
        device: str = "auto",
        data: Path | None = None,
        cache: Path | None = None,
        progress: Progress = SILENT,
    ) -> None:
        """Load the model and open the gallery.

        Args:
            model: see :class:`sigkd.verification.engine.Engine` for this and the next seven.
            cohort: the negatives.
            calibration: scores to likelihood ratios.
            classifier: ``auto``, ``wd`` or ``wi``.
            method: of calibration (:data:`~sigkd.verification.calibrations.METHODS`); None: what the file recommends.
            against: the alternative, ``skilled`` or ``random``.
            far: stated false acceptance rate.
            frr: stated false rejection rate.
            gallery: an open gallery or the file of one; it is made at the first enrolment.
            passphrase: encrypts a new gallery, opens an encrypted one.
            negatives: what enrolled writers are fitted against: ``cohort`` or ``writers``.
            actor: who, for the gallery's log; by default the user.
            audit: write verifications to the log.
            device: where features are computed.
            data: home of prepared datasets.
            cache: home of downloaded weights and built cohorts.
            progress: where loading is reported.

        Raises:
            UsageError, ModelError, GalleryError: see the engine and :class:`sigkd.gallery.Gallery`.
        """
        self.engine = Engine(
            model,
            cohort=cohort,
            calibration=calibration,
            classifier=classifier,
            method=method,
            against=against,
            far=far,
            frr=frr,
            device=device,
            data=data,
            cache=cache,
            progress=progress,
        )
        self._gallery_source, self._passphrase = gallery, passphrase
        self._negatives, self._actor, self._audit = negatives, actor, audit
        self._enrolled: EnrolledWriters | None = None
        self._lock = threading.RLock()

    # -- references given as images

    def compare(self, references: Iterable[ImageInput | Sample]) -> Comparison:
        """Prepare references given as images; the result judges any number of queries.

        Raises:
            UsageError: no references; ImageError: one cannot be used.
        """
        samples = [self.engine.sample(reference) for reference in references]
        if not samples:
            raise UsageError("at least one reference is needed")
        features = self.engine.features([sample.image for sample in samples])
        return self.engine.compare(features, [s.ink for s in samples], [s.digest for s in samples])

    def verify_against(self, references: Iterable[ImageInput | Sample], query: ImageInput | Sample) -> Verification:
        """Verify one query against references given as images.

        Args:
            references: files, contents of files, or grey scans uint8 [H, W].
            query: likewise.

        Returns:
            Decision, score, thresholds, likelihood ratio and remarks.

        Raises:
            ImageError: an image cannot be used; UsageError: no references; CohortError, CalibrationError: they do not
                fit.
        """
        samples = [self.engine.sample(image) for image in (*references, query)]
        if len(samples) < 2:
            raise UsageError("at least one reference is needed")
        features = self.engine.features([sample.image for sample in samples])
        known = samples[:-1]
        comparison = self.engine.compare(features[:-1], [s.ink for s in known], [s.digest for s in known])
        return comparison.judge(samples[-1:], features[-1:])[0]

    def judge(self, comparison: Comparison, queries: Sequence[ImageInput | Sample]) -> list[Verification]:
        """Verify several queries against prepared references."""
        samples = [self.engine.sample(query) for query in queries]
        if not samples:
            return []
        return comparison.judge(samples, self.engine.features([sample.image for sample in samples]))

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
                if isinstance(source, Gallery):
                    gallery = source
                elif create:
                    gallery = Gallery.create(
                        Path(source), passphrase=self._passphrase, log=self._audit, actor=self._actor
                    )
                else:
                    gallery = Gallery(Path(source), passphrase=self._passphrase)
                self._enrolled = EnrolledWriters(
                    self.engine, gallery, negatives=self._negatives, actor=self._actor, log=self._audit
                )
            return self._enrolled

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
            images: the references: files, contents of files, or grey scans.
            keep_images: store the files too, so that another model can be used later.
            mode: ``new`` (an enrolled name is an error), ``add`` references or ``replace`` them.

        Returns:
            Remarks on the images.

        Raises:
            ImageError, UsageError, GalleryError.
        """
        samples = [self.engine.sample(image, keep=keep_images) for image in images]
        if not samples:
            raise UsageError(f"'{name}': at least one reference is needed")
        features = self.engine.features([sample.image for sample in samples])
        self.open_gallery(create=True).enroll_many([(name, samples)], features, mode=mode)
        return tuple(remark for sample in samples for remark in sample.remarks)

    def verify(self, writer: str, query: ImageInput | Sample) -> Verification:
        """Verify one query against an enrolled writer; the answer is logged.

        Raises:
            GalleryError: not enrolled, or the log cannot be written; ImageError: the query cannot be used.
        """
        return self.verify_many(writer, [query])[0]

    def verify_many(self, writer: str, queries: Sequence[ImageInput | Sample]) -> list[Verification]:
        """Verify several queries against an enrolled writer."""
        enrolled = self.open_gallery()
        samples = [self.engine.sample(query) for query in queries]
        if not samples:
            return []
        return enrolled.verify(writer, samples, self.engine.features([sample.image for sample in samples]))

    def enrolled(self, writer: str, *, images: bool = False) -> tuple[Comparison, list[Sample | None]]:
        """Return an enrolled writer's comparison, and the references as samples (None where no image was kept)."""
        known = self.open_gallery()
        stored = known.gallery.references(writer, images=images)
        samples = [None if one.image is None else self.engine.sample(one.image, name=one.name) for one in stored]
        return known.comparison(writer), samples

    def close(self) -> None:
        """Close the gallery."""
        with self._lock:
            if self._enrolled is not None and not isinstance(self._gallery_source, Gallery):
                self._enrolled.gallery.close()
                self._enrolled = None

    def __enter__(self) -> Verifier:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
