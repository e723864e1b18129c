"""The cohort: features that stand for "anybody else" when a writer is enrolled and nobody else's signature is at hand.

A cohort file is a NumPy archive without pickles: ``features`` float16 [m, D] and ``metadata`` (JSON: model hash,
preprocess version, canvas, what the images were). The default one ships with the default model and was made from
made-up images.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sigkd.classifiers import COHORT
from sigkd.classifiers.negatives import Negatives
from sigkd.datasets.prepared import whole_numbers
from sigkd.errors import CohortError, UsageError
from sigkd.files import atomic_path, numpy_archive, parsing
from sigkd.json_documents import JsonDocument
from sigkd.models.binding import Binding
from sigkd.models.strangers import stranger_images
from sigkd.paths import cache_dir
from sigkd.progress import SILENT, Progress

if TYPE_CHECKING:
    import torch

    from sigkd.models.io import LoadedModel

ASSETS = Path(__file__).parent.parent / "assets"
DEFAULT = "default"
COUNT = 600
"""Images of a cohort, unless another number is asked for."""
_FORMAT = "sigkd-cohort"


class CohortBuild(JsonDocument, format="sigkd-cohort-build", version=1):
    """What ``sigkd cohort build`` prints: a file of negatives."""

    out: Path
    count: int
    hash: str
    """SHA-256 of the features: what calibrations are bound to."""
    description: str
    binding: Binding


def save_cohort(cohort: Negatives, path: Path) -> None:
    """Write a cohort as float16, atomically.

    Raises:
        CohortError: features too large for float16.
    """
    # As float16 they would be infinite.
    if float(np.abs(cohort.features).max(initial=0.0)) > np.finfo(np.float16).max:
        raise CohortError(f"{path}: features above {np.finfo(np.float16).max} cannot be kept as float16")
    binding = {} if cohort.binding is None else cohort.binding.as_dict()
    document = {"format": _FORMAT, "version": 1, "description": cohort.description, **binding, **cohort.metadata}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream, features=cohort.features.astype(np.float16), metadata=np.asarray(json.dumps(document))
        )


def read_cohort(path: Path) -> Negatives:
    """Read a cohort file, or a features file of ``sigkd extract`` (``.npz``), of which the genuine signatures count.

    Raises:
        CohortError: absent, damaged, or without the model's hash.
    """
    if not path.is_file():
        raise CohortError(f"{path}: no such cohort; 'sigkd cohort build --from made-up --out {path.name}' makes one")
    with parsing(path, "cohort or features file", CohortError), numpy_archive(path) as archive:
        features = np.asarray(archive["features"], np.float32)
        facts = json.loads(str(archive["metadata"])) if "metadata" in archive.files else {}
        y, yforg = (whole_numbers(archive[key], key) if key in archive.files else None for key in ("y", "yforg"))
        if features.ndim != 2 or not len(features) or not np.isfinite(features).all():
            raise CohortError("'features' must be a matrix of finite numbers")
        if any(labels is not None and len(labels) != len(features) for labels in (y, yforg)):
            raise CohortError("its features and labels differ in length")
        binding = Binding.from_dict(facts)
    if not binding.model_hash:
        raise CohortError(f"{path}: does not say which model made it; 'sigkd cohort build' and 'sigkd extract' do")
    # -1 is an image without labels: a stranger's, as good as any.
    genuine = np.ones(len(features), bool) if yforg is None else yforg <= 0
    # Half-known owners serve nobody: pairs of one writer need them all.
    owners = None if y is None or (y < 0).any() else y[genuine]
    own = {"format", "version", "description", *binding.as_dict()}
    description = str(facts.get("description") or f"{np.count_nonzero(genuine)} vectors of {path.name}")
    metadata = {key: value for key, value in facts.items() if key not in own}
    return Negatives(features[genuine], description, COHORT, owners, binding, metadata)


def cached_path(model_hash: str, cache: Path | None = None) -> Path:
    """Return where ``sigkd cohort build`` without ``--out`` keeps the made-up cohort of a model."""
    return cache_dir(cache) / "cohorts" / f"{model_hash[:16]}.npz"


def load_cohort(spec: str | Path | None, binding: Binding, *, cache: Path | None = None) -> Negatives:
    """Load the cohort for a model: a file, or the default one (None or ``default``).

    Args:
        spec: a cohort or features file; None and ``default`` look among the shipped cohorts and in the cache.
        binding: what the query's features are bound to.
        cache: home of downloaded and built files.

    Raises:
        CohortError: there is none for this model, or the file was made with another one.
    """
    if spec is not None and str(spec) != DEFAULT:
        cohort = read_cohort(Path(spec))
        check_cohort(cohort, binding, str(spec))
        return cohort
    # One for each shipped model; the binding in the file tells whose it is, not its name.
    candidates = [*sorted(ASSETS.glob("default_cohort*.npz")), cached_path(binding.model_hash, cache)]
    for path in candidates:
        if path.is_file():
            cohort = read_cohort(path)
            if cohort.binding is not None and cohort.binding.difference(binding) is None:
                return cohort
    name = binding.model_name
    raise CohortError(
        f"no cohort fits the model '{name}' ({binding.model_hash[:12]}): 'sigkd cohort build --from made-up "
        f"--model {name}' makes one, or name features or a dataset as `cohort`"
    )


def check_cohort(cohort: Negatives, binding: Binding, source: str = "the cohort") -> None:
    """Refuse a cohort made for another model, preprocessing or canvas.

    Raises:
        CohortError: it does not fit; the message says in what.
    """
    bound = cohort.binding or Binding("", "", (0, 0))
    if not any(bound.canvas):  # a features file of another program may lack the facts beside the model: taken as right
        bound = replace(binding, model_hash=bound.model_hash)
    difference = binding.difference(bound)
    if difference:
        raise CohortError(f"{source}: does not fit: {difference}; build it again with 'sigkd cohort build'")


def resolve_cohort(
    spec: str | Path | None,
    model: LoadedModel,
    *,
    data: Path,
    cache: Path | None = None,
    device: torch.device | str = "cpu",
    progress: Progress = SILENT,
) -> Negatives:
    """Load what ``--cohort`` names: ``default``, a cohort or features file, or a dataset (then extracted)."""
    from sigkd.models.features import is_features_file

    binding = Binding.of(model)
    if spec is None or str(spec) == DEFAULT:
        return load_cohort(None, binding, cache=cache)
    path = Path(spec)
    if is_features_file(path):
        return load_cohort(path, binding, cache=cache)
    if path.suffix == ".npz" and not path.exists():
        raise CohortError(f"{path}: no such cohort; 'sigkd cohort build --from made-up --out {path.name}' makes one")
    return build_cohort([str(spec)], model, data=data, device=device, progress=progress)


def build_cohort(
    sources: Sequence[str],
    model: LoadedModel,
    *,
    data: Path,
    count: int = COUNT,
    seed: int = 0,
    description: str | None = None,
    device: torch.device | str = "cpu",
    progress: Progress = SILENT,
) -> Negatives:
    """Make a cohort from images.

    Args:
        sources: ``made-up``, the name or file of a prepared dataset (signatures or text), or image files and folders.
        model: extracts the features; its canvas is used.
        data: home of the prepared datasets.
        count: images to draw, without replacement; all of them where there are fewer.
        seed: of the draw, and of made-up signatures.
        description: what the images are; by default their source and number.
        device: where features are computed.
        progress: where the work is reported.

    Raises:
        UsageError: made-up images mixed with others, or fewer than one image asked for.
    """
    from sigkd.models.extract import extract_features

    if count < 2:
        raise UsageError("a cohort needs at least two images")
    images, facts = stranger_images(sources, model.placing, data=data, count=count, seed=seed, progress=progress)
    features = extract_features(model, images, device=device, progress=progress)
    kept = features.astype(np.float16).astype(np.float32)  # as in the file, so that its hash is the same
    text = description or f"{len(kept)} {facts['source']} images"
    return Negatives(kept, text, COHORT, None, Binding.of(model), {**facts, "seed": seed})
