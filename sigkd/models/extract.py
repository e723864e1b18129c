"""Feature extraction: uint8 images through a network in batches, on any device, as float32 vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sigkd.errors import ImageError, InputError, ModelError, UsageError
from sigkd.images.canvas import parse_canvas
from sigkd.images.formats import named_images
from sigkd.images.placing import Placing
from sigkd.models.features import UNKNOWN, FeatureSet
from sigkd.models.inference import WORTH
from sigkd.models.registry import INPUT_SIZE
from sigkd.models.views import project
from sigkd.paths import path_text, store_path
from sigkd.progress import SILENT, Progress

if TYPE_CHECKING:
    from sigkd.datasets.prepared import PreparedSignatures
    from sigkd.images.scan_measures import ScanMeasures
    from sigkd.models.io import LoadedModel

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""``--precision``: the type that the convolutions compute in; features are float32 always."""


def crop_to_input(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the centre [N, 150, 220] of uint8 images [N, H, W] or [N, 1, H, W], H >= 150 and W >= 220.

    Raises:
        InputError: another type, or images smaller than the network's input.
    """
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    height, width = INPUT_SIZE
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1] < height or images.shape[2] < width:
        raise InputError(
            f"images must be uint8 N x H x W of at least {height} x {width}, not {images.dtype} of shape {images.shape}"
        )
    top, left = (images.shape[1] - height) // 2, (images.shape[2] - width) // 2
    return images[:, top : top + height, left : left + width]


def extract_features(
    model: LoadedModel,
    images: NDArray[np.uint8],
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 64,
    precision: str = "float32",
    progress: Progress = SILENT,
) -> NDArray[np.float32]:
    """Return the responses of a network to normalised signatures.

    Args:
        model: a loaded network; it is moved to ``device`` and put in evaluation mode.
        images: uint8 [N, H, W] or [N, 1, H, W], ink bright on black, at least 150 x 220: the centre is used; for a
            model of V views [N, V, H, W]. May be a memory map; it is read batch by batch.
        device: where to compute (see :func:`sigkd.models.device.resolve_device`).
        batch_size: images a step; halved, with a warning, whenever the GPU's memory does not suffice.
        precision: ``float32`` (no TF32: the same numbers on every device up to rounding), ``bfloat16`` or ``float16``.
        progress: where the work is reported.

    Returns:
        float32 [N, D].

    Raises:
        UsageError: an unknown precision or a batch size below 1.
        InputError: images of another type or size.
        ModelError: features that are not finite, or a GPU too small for a single image.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision '{precision}': use {', '.join(PRECISIONS)}")
    if batch_size < 1:
        raise UsageError(f"the batch size must be at least 1, not {batch_size}")
    device = torch.device(device)
    views = len(model.projections)
    if not model.placing.views and views:
        images = images.reshape(len(images), 1, *images.shape[-2:])
    if views and (images.ndim != 4 or images.shape[1] != views):
        raise InputError(
            f"the model '{model.name}' looks at {views} views ({', '.join(model.placing.views)}): images uint8 N x "
            f"{views} x H x W are needed, not of shape {images.shape}"
        )
    # no image, but their type and size: refused before the network is moved, also where there is none
    crop_to_input(_stacked(images[:0], views))
    # A batch of images is one of views times as many for the network.
    batch_size = max(1, batch_size // max(views, 1))
    network = model.network.to(device).eval()
    if device.type == "cpu" and len(images) * max(views, 1) >= WORTH:
        network = model.for_many().network
    batches: list[NDArray[np.float32]] = []
    done = 0
    with torch.inference_mode(), exact_float32(), progress.task("features", total=len(images), unit="images") as task:
        while done < len(images):
            chunk = np.ascontiguousarray(crop_to_input(_stacked(images[done : done + batch_size], views)))
            try:
                features = _forward(network, chunk, device, PRECISIONS[precision])
            # Of what other programs leave free nobody knows beforehand: the batch shrinks until it fits.
            except torch.OutOfMemoryError:
                if batch_size == 1:
                    raise ModelError(
                        f"the memory of {device} does not suffice for one image; use `device='cpu'`"
                    ) from None
                batch_size = max(1, batch_size // 2)
                progress.warn(f"the memory of {device} does not suffice; going on with batches of {batch_size}")
                torch.cuda.empty_cache()
                continue
            # Half precision overflows on some weights; such features would fail far from here, in a classifier.
            if not np.isfinite(features).all():
                raise ModelError(
                    f"the model '{model.name}' gives features that are not finite; use `precision='float32'`"
                )
            count = len(chunk) // max(views, 1)
            if views:
                # In float32 on the CPU whatever the device: the same projection everywhere.
                features = project(features.reshape(count, views, -1), model.projections)
            batches.append(features)
            done += count
            task.advance(count)
    return np.concatenate(batches) if batches else np.zeros((0, feature_length(model)), np.float32)


def _stacked(images: NDArray[np.uint8], views: int) -> NDArray[np.uint8]:
    """Return the images of all views one after the other, [N V, H, W]."""
    return images.reshape(-1, *images.shape[2:]) if views else images


def feature_length(model: LoadedModel) -> int:
    """Return D, the length of the model's feature vector, by asking it for one."""
    if model.projections:
        return sum(own.axes.shape[1] for own in model.projections)
    # networks of other programs do not state it
    blank = np.zeros((1, *INPUT_SIZE), np.uint8)
    with torch.inference_mode():
        parameter = next(model.network.parameters(), None)
        device = parameter.device if parameter is not None else torch.device("cpu")
        return int(_forward(model.network, blank, device, None).shape[1])


def _forward(
    network: torch.nn.Module, chunk: NDArray[np.uint8], device: torch.device, reduced: torch.dtype | None
) -> NDArray[np.float32]:
    batch = torch.from_numpy(chunk).to(device).unsqueeze(1).float().div_(255.0)
    with torch.autocast(device.type, dtype=reduced, enabled=reduced is not None):
        response = network(batch)
    # float32 also where convolutions ran in half precision: files and kernels have one type.
    features: NDArray[np.float32] = response.float().cpu().numpy()
    return features


@contextmanager
def exact_float32() -> Iterator[None]:
    """Switch TF32 off for convolutions (its default is on): it moves features by about 1e-3 between devices."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


@dataclass
class ImageBatch:
    """Normalised images on their way to a network: uint8 [N, H, W], with labels where they are known."""

    images: NDArray[np.uint8]
    y: NDArray[np.int64]
    yforg: NDArray[np.int8]
    filenames: list[str]
    preprocess_version: str
    metadata: dict[str, Any] = field(default_factory=dict)
    measures: list[ScanMeasures] | None = None
    """[N] of scans that were placed in views, where they are known."""


def gather_images(
    sources: Sequence[str | Path],
    data: Path,
    *,
    placing: Placing | None = None,
    skip_bad: bool = False,
    progress: Progress = SILENT,
) -> ImageBatch:
    """Read what ``extract`` is asked for: one prepared dataset (its name or file), or image files and folders of them.

    Args:
        sources: one name or ``.npz`` file of a prepared dataset, or any number of image files and folders.
        data: home of the prepared datasets.
        placing: how raw images become the network's input (by default the paper's canvas); a prepared dataset has its
            own.
        skip_bad: warn about images that cannot be used instead of stopping at the first one.
        progress: where the work is reported.

    Raises:
        DatasetError: no such dataset; InputError: a folder without images; ImageError: an image that cannot be used.
    """
    paths = [Path(source) for source in sources]
    if len(paths) == 1 and not paths[0].is_dir() and (not paths[0].exists() or paths[0].suffix.lower() == ".npz"):
        return prepared_images(str(sources[0]), data)
    # Both a folder here and a prepared set have this name: said, because the other was perhaps meant.
    if len(paths) == 1 and not paths[0].is_absolute() and store_path(str(sources[0]), data).is_file():
        progress.info(f"'{sources[0]}': the folder {paths[0].absolute()}, not the prepared set of that name")
    return _from_files(named_images(paths, progress), placing or Placing(), skip_bad, progress)


def prepared_images(name: str, data: Path) -> ImageBatch:
    """Return the images of a prepared dataset, by its name or file.

    Raises:
        DatasetError: no such dataset; the message has the command that makes it.
    """
    from sigkd.datasets.prepared import find_prepared

    prepared: PreparedSignatures = find_prepared(name, data)
    facts = prepared.metadata
    keep: dict[str, Any] = {
        key: facts[key] for key in ("layout", "scans", "canvas", "views", "size", "protocol") if key in facts
    }
    keep |= {"dataset": str(facts.get("name") or name), "dataset_hash": prepared.content_hash}
    keep["writers"] = [str(writer) for writer in prepared.writers]
    names = [str(filename) for filename in prepared.filenames]
    version = str(facts.get("preprocess_version") or "")
    return ImageBatch(prepared.x, prepared.y, prepared.yforg, names, version, keep, prepared.measures)


def _from_files(files: list[Path], placing: Placing, skip_bad: bool, progress: Progress) -> ImageBatch:
    images: list[NDArray[np.uint8]] = []
    used: list[str] = []
    with progress.task("normalising", total=len(files), unit="images") as task:
        for file in files:
            try:
                image = placing(file).image
            except ImageError as error:
                message = str(error) if str(file) in str(error) else f"{file}: {error}"
                if not skip_bad:
                    raise ImageError(f"{message} (`skip_bad=True` goes on without it)") from error
                progress.warn(f"{message}; left out")
                image = None
            if image is not None:
                images.append(image)
                used.append(path_text(file))
            task.advance()
    if not images:
        raise InputError("none of the images can be used")
    unknown = np.full(len(images), UNKNOWN)
    metadata = {"views": list(placing.views)} if placing.views else {"canvas": list(placing.canvas)}
    return ImageBatch(
        np.stack(images), unknown.astype(np.int64), unknown.astype(np.int8), used, placing.version, metadata
    )


def fitting(model: LoadedModel, batch: ImageBatch, progress: Progress = SILENT) -> LoadedModel:
    """Return the model as it looks at these images: a model of views looks at those on a canvas in its first alone.

    Raises:
        InputError: views for a model of one canvas, or other views.
    """
    wanted, found = list(model.placing.views), list(batch.metadata.get("views") or ())
    if wanted == found:
        return model
    name = batch.metadata.get("dataset", "these images")
    if not found:
        progress.warn(
            f"'{name}' is on a canvas: of the {len(wanted)} views of '{model.name}' the first alone looks at it: "
            f"prepare it with `views` {' '.join(wanted)} for all of them"
        )
        return model.on_canvas()
    if not wanted:
        raise InputError(
            f"'{name}' is placed in the views {', '.join(found)}, the model '{model.name}' looks at a canvas"
        )
    raise InputError(
        f"the model '{model.name}' looks at the views {', '.join(wanted)}; '{name}' is placed in {', '.join(found)}: "
        f"prepare it with sigkd preprocess SRC --views {' '.join(wanted)}"
    )


def extract_set(
    model: LoadedModel,
    batch: ImageBatch,
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 64,
    precision: str = "float32",
    progress: Progress = SILENT,
) -> FeatureSet:
    """Return the features of ``batch`` with their provenance; warn if the model was made for other preprocessing."""
    model = fitting(model, batch, progress)
    expected = model.preprocess_version
    if expected and batch.preprocess_version and expected != batch.preprocess_version:
        progress.warn(
            f"the model '{model.name}' was trained on preprocessing {expected}, the images have "
            f"{batch.preprocess_version}"
        )
    canvas = batch.metadata.get("canvas")
    if canvas and tuple(canvas) != tuple(model.canvas):
        progress.warn(
            f"the model '{model.name}' expects signatures on a canvas of {model.canvas[0]}x{model.canvas[1]}, "
            f"these are on {canvas[0]}x{canvas[1]}"
        )
    features = extract_features(
        model, batch.images, device=device, batch_size=batch_size, precision=precision, progress=progress
    )
    return FeatureSet(
        features,
        batch.y,
        batch.yforg,
        batch.filenames,
        model_hash=model.hash,
        preprocess_version=batch.preprocess_version,
        model_name=model.name,
        metadata={**batch.metadata, "precision": precision},
    )


def extract_source(
    sources: Sequence[str | Path],
    model: str | Path | None,
    *,
    data: Path,
    cache: Path | None = None,
    canvas: str | None = None,
    skip_bad: bool = False,
    device: torch.device | str = "cpu",
    batch_size: int = 64,
    precision: str = "float32",
    progress: Progress = SILENT,
) -> FeatureSet:
    """Load a model, gather images and extract: what ``sigkd extract`` does (arguments as in the functions above)."""
    from sigkd.models.io import load_model

    loaded = load_model(model, cache=cache)
    place = loaded.placing if canvas is None else Placing(parse_canvas(canvas))
    batch = gather_images(sources, data, placing=place, skip_bad=skip_bad, progress=progress)
    return extract_set(loaded, batch, device=device, batch_size=batch_size, precision=precision, progress=progress)
