"""Model, cohort and calibration loaded once: turns scans into features and references into comparisons."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import AUTO, COHORT, Classifier, Negatives, Template, choose_classifier
from sigkd.classifiers.base import check_classifier
from sigkd.classifiers.cohort import check_cohort, resolve_cohort
from sigkd.errors import UsageError
from sigkd.images.ink_measures import InkMeasures
from sigkd.models.binding import Binding
from sigkd.paths import data_dir
from sigkd.progress import SILENT, Progress
from sigkd.verification.calibration import CalibrationSet, load_calibration
from sigkd.verification.calibrations import METHODS
from sigkd.verification.comparison import Comparison, Operating, operating_point
from sigkd.verification.samples import ImageInput, Sample, read_sample

if TYPE_CHECKING:
    import torch

    from sigkd.models.io import LoadedModel


logger = logging.getLogger(__name__)


class Engine:
    """The parts that every verification shares. Reading is thread-safe; what is loaded lazily is loaded once."""

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
        device: str = "auto",
        data: Path | None = None,
        cache: Path | None = None,
        progress: Progress = SILENT,
    ) -> None:
        """Check the choices; the model is loaded now, cohort and calibration when they are first needed.

        Args:
            model: a registered name, a file, ``ARCHITECTURE:random``, a loaded model; None is the default student.
            cohort: a cohort or features file, a dataset, a loaded cohort; None is the default cohort.
            calibration: a file or a loaded set; ``none`` for none; None is the default one where it fits.
            classifier: ``auto``, ``wd`` or ``wi``.
            method: of calibration (:data:`~sigkd.verification.calibrations.METHODS`); None: what the file recommends.
            against: ``skilled`` or ``random``, the alternative proposition.
            far: stated false acceptance rate of the accept threshold, a fraction.
            frr: stated false rejection rate of the reject threshold, a fraction.
            device: ``auto``, ``cpu``, ``cuda[:N]`` or ``mps``.
            data: home of prepared datasets.
            cache: home of downloaded weights and built cohorts.
            progress: where loading is reported.

        Raises:
            UsageError: an unknown choice.
            ModelError: the model cannot be loaded.
        """
        from sigkd.models.device import resolve_device
        from sigkd.models.io import LoadedModel, load_model

        if method is not None:
            METHODS.get(method)
        if against not in (None, "skilled", "random"):
            raise UsageError(f"unknown alternative '{against}': use skilled or random")
        for name, rate in (("far", far), ("frr", frr)):
            if rate is not None and not 0 < rate < 1:
                raise UsageError(f"`{name}` is a rate between 0 and 1, not {rate:g}")
        self.model = model if isinstance(model, LoadedModel) else load_model(model, cache=cache)
        self.device: torch.device = resolve_device(device)
        self.binding = Binding.of(self.model)
        logger.info("model %s %s on %s", self.model.name, self.model.hash[:12], self.device)
        self.classifier_name = check_classifier(classifier)
        self._choices = (method, against, far, frr)
        self._cohort_spec, self._calibration_spec = cohort, calibration
        self._cohort: Negatives | None = cohort if isinstance(cohort, Negatives) else None
        self._operating: dict[str | None, Operating] = {}
        self._data, self._cache, self._progress = data_dir(data), cache, progress
        self._lock = threading.RLock()
        if self._cohort is not None:
            check_cohort(self._cohort, self.binding)

    @property
    def cohort(self) -> Negatives:
        """The negatives that stand for anybody else."""
        with self._lock:
            if self._cohort is None:
                spec = self._cohort_spec
                assert not isinstance(spec, Negatives)  # noqa: S101 - narrows the type
                self._cohort = resolve_cohort(
                    spec, self.model, data=self._data, cache=self._cache, device=self.device, progress=self._progress
                )
                logger.info("cohort %s: %s", self._cohort.hash[:12], self._cohort.description)
            return self._cohort

    def operating(self, cohort_hash: str | None) -> Operating:
        """Return how scores become answers with these negatives (None: other enrolled writers)."""
        with self._lock:
            if cohort_hash not in self._operating:
                spec = self._calibration_spec
                if isinstance(spec, CalibrationSet):
                    spec.check(self.binding, cohort_hash)
                    known: CalibrationSet | None = spec
                else:
                    known = load_calibration(spec, self.binding, cohort_hash)
                named = spec is not None and known is not None
                logger.info("calibration: %s", "none" if known is None else known.source)
                self._operating[cohort_hash] = Operating(known, named, *self._choices)
            return self._operating[cohort_hash]

    def sample(self, source: ImageInput | Sample, *, name: str | None = None, keep: bool = False) -> Sample:
        """Read and normalise one signature on the model's canvas."""
        if isinstance(source, Sample):
            return source
        return read_sample(source, self.model.canvas, name=name, keep=keep)

    def features(self, images: Sequence[NDArray[np.uint8]], progress: Progress = SILENT) -> NDArray[np.float32]:
        """Return the features float32 [n, D] of normalised images uint8 [170, 242]."""
        from sigkd.models.extract import extract_features

        start = time.perf_counter()
        found = extract_features(self.model, np.stack(list(images)), device=self.device, progress=progress)
        logger.debug("features of %d images in %.0f ms", len(found), 1000 * (time.perf_counter() - start))
        return found

    def compare(
        self,
        features: NDArray[np.float32],
        inks: Sequence[InkMeasures],
        digests: Sequence[str],
        *,
        writer: str | None = None,
        negatives: Negatives | None = None,
        template: tuple[Classifier, Template, NDArray[np.float64]] | None = None,
    ) -> Comparison:
        """Make a comparison from references' features.

        Args:
            features: [r, D].
            inks: measures of the references' scans.
            digests: hashes of the references' files.
            writer: whose they are.
            negatives: what to fit against; None is the cohort.
            template: an already fitted template with its classifier and the agreement of the references.
        """
        negatives = negatives or self.cohort
        if template is None:
            classifier = choose_classifier(self.classifier_name, len(features))
            fitted, agreement = classifier.enroll(features, negatives)
        else:
            classifier, fitted, agreement = template
        operating = self.operating(negatives.hash if negatives.kind == COHORT else None)
        calibration, thresholds = operating_point(operating, classifier, negatives.kind, agreement, len(features))
        return Comparison(
            writer,
            features,
            tuple(inks),
            tuple(digests),
            fitted,
            classifier,
            negatives.kind,
            negatives.title,
            agreement,
            thresholds,
            calibration,
            operating,
            self.binding,
        )
