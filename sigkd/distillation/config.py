"""Everything that defines a training run, in one typed place that the command line and TOML files both read.

A new option is one more field: commands, their help and the files know it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from sigkd.configuration import NOT_NEGATIVE, POSITIVE, SEED, Range, check, option
from sigkd.distillation.augmentations import AUGMENTATIONS
from sigkd.distillation.losses import LOSSES
from sigkd.models.networks import NETWORKS

Ties = Literal["index", "spatial", "random"]
"""``index``: by smaller node, then larger one, node by node along the rows of the map. ``spatial``: the pair nearest on
the map's grid first, then by index. ``random``: an order of its own for each image."""


@dataclass(frozen=True)
class TrainingConfig:
    """What a run is made of. The defaults are the paper's (Section 4.3 and the released code)."""

    student: str = option("resnet18", "Architecture to train: {choices}.", names=NETWORKS, group="What is learnt")
    teacher: str = option(
        "signet", "Teachers joined by +: names, model files, or signet:random; terms are averaged.", command="distill"
    )
    data: str = option(
        "text",
        "Prepared text sets, by name or path, joined by +; signature sets too, their forgeries as classes.",
        command="distill",
    )
    loss: str = option("geom+bc", "Losses joined by +: {choices}.", names=LOSSES, command="distill")
    no_cl: bool = option(False, "Leave the classification loss out.", command="distill")
    weight: dict[str, float] = option({}, "Weights of terms, as geom1=10 geom2=100.", command="distill")
    setting: dict[str, dict[str, Any]] = option(
        {}, "Settings of losses, as tce.temperature=4 bc.redundancy=0.005.", command="distill"
    )
    radius: int = option(5, "Hops on the tree that make a neighbourhood.", POSITIVE, command="distill")
    ties: Ties = option("spatial", "Which of equally long edges of the tree come first: {choices}.", command="distill")
    ink_only: bool = option(False, "Leave places without ink out of tree and geometry.", command="distill")
    supervision: Literal["auto", "cached", "online"] = option(
        "auto", "Teachers are asked once or in every step: {choices} (once, where images stay).", command="distill"
    )
    label_smoothing: float = option(0.0, "Label smoothing of the classification loss.", Range(0, 1, open_high=True))
    init: str = option("", "Model file to start from; layers of another shape (the classes) start fresh.")

    crop: Literal["center", "random"] = option(
        "center", "Where 150x220 pixels are taken from the 170x242: {choices}.", group="Images"
    )
    augment: list[str] = option(
        [], "Random changes, as ink rotate=5, or all (but noise): {choices}.", names=AUGMENTATIONS
    )
    augment_share: float = option(1.0, "Share of the images whose ink is changed.", Range(0, 1, open_low=True))
    teacher_sees: Literal["same", "clean"] = option(
        "same", "Ink that teachers see: the {choices} (as it was before augment).", command="distill"
    )
    images_per_epoch: int = option(0, "Images in an epoch; 0: all.", NOT_NEGATIVE)
    max_images: int = option(0, "Train on so many images, randomly chosen; 0: all.", NOT_NEGATIVE)
    validation_images: int = option(2000, "Validate on at most so many images; 0: not at all.", NOT_NEGATIVE)

    epochs: int = option(60, "Passes over the images (or images_per_epoch of them).", POSITIVE, group="Optimisation")
    batch_size: int = option(64, "Images in a step, over all processes.", POSITIVE)
    lr: float = option(0.01, "Learning rate (the peak of cosine and one-cycle).", POSITIVE)
    schedule: Literal["step", "cosine", "one-cycle", "constant"] = option(
        "step", "Learning rate over the run: {choices}."
    )
    lr_factor: float = option(0.1, "Factor of the step schedule.", POSITIVE)
    step_epochs: int = option(0, "Epochs between two steps of that schedule; 0: a third of them.", NOT_NEGATIVE)
    momentum: float = option(0.9, "Momentum.", Range(0, 1, open_high=True))
    momentum_kind: Literal["nesterov", "plain"] = option(
        "nesterov", "Kind of momentum: {choices} (the paper's text and its released code)."
    )
    weight_decay: float = option(0.0, "L2 penalty on all parameters.", NOT_NEGATIVE)
    average: int = option(0, "Give the mean of the weights after the last so many epochs; 0: the last.", NOT_NEGATIVE)
    precision: Literal["auto", "float32", "bfloat16", "float16"] = option(
        "auto", "Arithmetic of the student: {choices} (bfloat16 where it is fast)."
    )
    compile: bool = option(False, "Compile the student's step (needs a C++ compiler; slow start).")

    probe: str = option("", "Prepared signature set to evaluate on; NAME[A:B] for some writers.", group="The run")
    probe_every: int = option(5, "Epochs between two probes.", POSITIVE)
    checkpoint_seconds: int = option(300, "Seconds between checkpoints inside an epoch.", POSITIVE)
    seed: int = option(0, "Seed of every random choice.", SEED)

    def __post_init__(self) -> None:
        check(self)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields in their order."""
        return dataclasses.asdict(self)


SIGNET_F_LAMBDA = 0.95
"""Weight of SigNet-F's forgery term (Hafemann et al. 2017); the classification has the rest."""


def teacher_config(lamb: float | None = None) -> TrainingConfig:
    """Return the recipe of Hafemann et al. 2017 for SigNet; with ``lamb``, the forgery term's weight, for SigNet-F."""
    return TrainingConfig(
        student="signet",
        teacher="",
        loss="cl" if lamb is None else "cl+forgery",
        weight={} if lamb is None else {"cl": 1.0 - lamb, "forgery": lamb},
        epochs=60,
        batch_size=32,
        lr=1e-3,
        step_epochs=20,
        weight_decay=1e-4,
        crop="random",
    )


def config_toml(config: TrainingConfig) -> str:
    """Return the configuration as TOML, which :func:`sigkd.configuration.read_toml` reads back."""
    import tomli_w

    return tomli_w.dumps(config.as_dict())
