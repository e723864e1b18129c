"""Everything that defines a training run, in one typed place that the command line and TOML files both read."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sigkd.errors import InputError, UsageError
from sigkd.registry import nearest

Schedule = Literal["step", "cosine", "one-cycle", "constant"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
SupervisionMode = Literal["auto", "cached", "online"]
Crop = Literal["center", "random"]


@dataclass(frozen=True)
class TrainingConfig:
    """What a run is made of. The defaults are the paper's (Section 4.3 and the released code)."""

    student: str = "resnet18"
    """Architecture to train: a registered network (``resnet18``, ``signet``, ...)."""
    teacher: str = "signet"
    """Teachers joined by ``+``: registered names, model files, or ``signet:random``; their terms are averaged."""
    data: str = "text"
    """Prepared datasets to train on, by name or path, joined by ``+``: text, and signatures of people who do not exist
    (whose forgeries are classes of their own)."""
    loss: str = "geom+bc"
    """Losses joined by ``+``: cl, geom, tce, bt, bc."""
    no_cl: bool = False
    """Leave the classification loss out."""
    weight: dict[str, float] = field(default_factory=dict)
    """Weights of terms that differ from the paper's (geom1 10, geom2 100, tce 0.001, bt and bc 0.0001, cl 1)."""
    setting: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Settings of losses, ``{"tce": {"temperature": 4.0}}``."""
    radius: int = 5
    """Hops on the minimal spanning tree that make a neighbourhood."""
    epochs: int = 60
    """Passes over the training images (or over ``images_per_epoch`` of them)."""
    batch_size: int = 64
    """Images in a step, over all processes together."""
    lr: float = 0.01
    """Learning rate (its peak for cosine and one-cycle)."""
    schedule: Schedule = "step"
    """step: times ``lr_factor`` at each third of the epochs; cosine: to 0; one-cycle: up, then to 0; constant."""
    lr_factor: float = 0.1
    """Factor of the step schedule."""
    step_epochs: int = 0
    """Epochs between two steps of the step schedule; 0: a third of the epochs."""
    momentum: float = 0.9
    """Nesterov momentum."""
    weight_decay: float = 0.0
    """L2 penalty on all parameters."""
    label_smoothing: float = 0.0
    """Label smoothing of the classification loss."""
    crop: Crop = "center"
    """Where 150x220 pixels are taken from the 170x242 image in training."""
    augment: list[str] = field(default_factory=list)
    """Random changes, as ``ink`` or ``ink=0.3``; ``all`` for every one but noise. They need online supervision."""
    augment_share: float = 1.0
    """Share of the images whose ink ``augment`` changes; the others keep theirs, so that clean writing stays common."""
    supervision: SupervisionMode = "auto"
    """cached: teachers are asked once; online: in every step; auto: cached unless crops are random or augmented."""
    precision: Precision = "auto"
    """Arithmetic of the student's step; auto: bfloat16 where the device has it in hardware, else float32."""
    images_per_epoch: int = 0
    """Images in an epoch; 0: all training images."""
    max_images: int = 0
    """Train on a random choice of so many images; 0: all."""
    validation_images: int = 2000
    """Validate on at most so many images after each epoch; 0: not at all."""
    init: str = ""
    """Model file whose weights the student starts from; layers of another shape (the classes) start fresh."""
    probe: str = ""
    """Prepared signature set on which the student is evaluated now and then; ``NAME[A:B]`` for some of its writers."""
    probe_every: int = 5
    """Epochs between two probes."""
    compile: bool = False
    """Compile the student's step (needs a C++ compiler; slow start)."""
    checkpoint_seconds: int = 300
    """Seconds between two checkpoints inside an epoch; one is written after every epoch in any case."""
    seed: int = 0
    """Seed of the initial weights, the order of the images and the augmentation."""

    def __post_init__(self) -> None:
        positive = ("epochs", "batch_size", "lr", "radius", "probe_every", "checkpoint_seconds")
        for name in positive:
            if not getattr(self, name) > 0:
                raise UsageError(f"'{name}' must be greater than 0, not {getattr(self, name)}")
        for name in ("weight_decay", "images_per_epoch", "max_images", "validation_images", "step_epochs", "seed"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"'{name}' must not be below 0, not {getattr(self, name)}")
        for name in ("momentum", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"'{name}' must lie in [0, 1), not {getattr(self, name)}")
        if not 0 < self.augment_share <= 1:
            raise UsageError(f"'augment_share' must lie in (0, 1], not {self.augment_share}")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields in their order."""
        return dataclasses.asdict(self)


def update_config(config: TrainingConfig, changes: Mapping[str, Any], source: str) -> TrainingConfig:
    """Return ``config`` with ``changes`` checked against the fields' types.

    Args:
        config: what holds where nothing is changed.
        changes: field -> value. Hyphens in names are read as underscores.
        source: what the message calls the origin (a file's name).

    Raises:
        UsageError: an unknown field (with the nearest one), or a value of the wrong type.
    """
    types = get_type_hints(TrainingConfig)
    changed: dict[str, Any] = {}
    for key, value in changes.items():
        name = key.replace("-", "_")
        if name not in types:
            known = list(types)
            raise UsageError(f"{source}: unknown key '{key}'.{nearest(name, known)} Known: {', '.join(known)}")
        changed[name] = checked(value, types[name], f"{source}: '{key}'")
    return dataclasses.replace(config, **changed)


def checked(value: Any, kind: Any, what: str) -> Any:
    """Return ``value`` if it is of the type ``kind`` (a whole number is also a float); ``what`` is its name in words.

    Raises:
        UsageError: it is not.
    """
    if kind is Any:
        return value
    origin = get_origin(kind)
    if origin is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        if value not in choices:
            raise UsageError(
                f"{what} must be one of {', '.join(choices)}, not {value!r}.{nearest(str(value), choices)}"
            )
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if origin is dict:
        if isinstance(value, Mapping):
            return {str(key): checked(item, get_args(kind)[1], f"{what}.{key}") for key, item in value.items()}
    elif origin is list:
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return list(value)
    elif type(value) is kind:
        return value
    wanted = {"float": "a number", "int": "a whole number", "str": "a string", "bool": "true or false"}.get(
        getattr(kind, "__name__", ""), "a table" if origin is dict else "a list of strings"
    )
    raise UsageError(f"{what} must be {wanted}, not {value!r}")


def read_config(path: Path, base: TrainingConfig | None = None) -> TrainingConfig:
    """Read a TOML file with any of the fields of :class:`TrainingConfig`.

    Raises:
        InputError: absent or not TOML.
        UsageError: an unknown key or a value of the wrong type.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such configuration file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error})") from None
    return update_config(base or TrainingConfig(), document, str(path))


def config_toml(config: TrainingConfig) -> str:
    """Return the configuration as TOML, which :func:`read_config` reads back."""
    import tomli_w

    return tomli_w.dumps(config.as_dict())
