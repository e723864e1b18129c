"""The Python interface for programs and services: load once, enrol, verify."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sigkd.errors import UsageError
from sigkd.progress import SILENT, Progress
from sigkd.verification.calibration import CalibrationSet
from sigkd.verification.classifiers import AUTO
from sigkd.verification.cohort import Cohort
from sigkd.verification.comparison import Comparison
from sigkd.verification.engine import Engine
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
        cohort: str | Path | Cohort | None = None,
        calibration: str | Path | CalibrationSet | None = None,
        classifier: str = AUTO,
        method: str | None = None,
        against: str | None = None,
        far: float | None = None,
        frr: float | None = None,
        device: str = "auto",
        data: Path | None = None,
        cache: Path | None = None,
        progress: Progress = SILENT,
    ) -> None:
        """Load the model; see :class:`sigkd.verification.engine.Engine` for the arguments and errors."""
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
            ImageError: an image cannot be used; UsageError: no references; CohortError, CalibrationError: they do not fit.
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
