"""The directory of a training run: what is in it, written so that every file is whole or absent."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sigkd.errors import InputError, ModelError, UsageError
from sigkd.files import atomic_path, write_text
from sigkd.models.foreign import check_sums

CHECKPOINT_FORMAT = 1


class RunDirectory:
    """``runs/<name>/``: config.toml, run.json, metrics.csv, last.ckpt, best and final model files, curves.png."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.toml"
        self.facts = self.path / "run.json"
        self.metrics = self.path / "metrics.csv"
        self.checkpoint = self.path / "last.ckpt"
        self.best = self.path / "best.safetensors"
        self.final = self.path / "final.safetensors"
        self.curves = self.path / "curves.png"

    def check(self, resume: bool) -> None:
        """Refuse to write over a run, and to resume one that is not there.

        Raises:
            UsageError: a run that exists and is not to be resumed.
            InputError: nothing to resume.
        """
        if resume and not self.checkpoint.is_file():
            raise InputError(f"{self.checkpoint}: no checkpoint to resume; leave `resume=True` out to start the run")
        if not resume and (self.checkpoint.exists() or self.final.exists()):
            raise UsageError(
                f"{self.path}: this run exists; continue it with `resume=True`, or choose another name with `name`"
            )

    def write_metrics(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write one row an epoch; columns in order of their first appearance, empty where an epoch has no value."""
        columns = list(dict.fromkeys(name for row in rows for name in row))
        # As a text first: the file is replaced as a whole in each epoch, and a reader never sees half a row.
        stream = io.StringIO()
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows([{name: f"{value:.9g}" for name, value in row.items()} for row in rows])
        write_text(self.metrics, stream.getvalue())

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Write last.ckpt: tensors and plain values only, so that it loads without unpickling code."""
        with atomic_path(self.checkpoint) as temporary:
            torch.save({"format": CHECKPOINT_FORMAT, **state}, temporary)

    def load_checkpoint(self) -> dict[str, Any]:
        """Read last.ckpt.

        Raises:
            InputError: damaged, of another format, or holding anything but tensors and plain values.
        """
        try:
            # Before torch reads it: its own messages on cut files name neither file nor remedy.
            check_sums(self.checkpoint)
        except ModelError as error:
            raise InputError(str(error)) from None
        try:
            state: dict[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except Exception as error:  # torch reports damage by many types
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{self.checkpoint}: not a readable checkpoint ({reason})") from None
        if not isinstance(state, dict) or state.get("format") != CHECKPOINT_FORMAT:
            raise InputError(f"{self.checkpoint}: not a checkpoint of this version of sigkd")
        return state


def random_state(device: torch.device) -> dict[str, Any]:
    """Return the state of the random generators of Python, NumPy, torch and the device, as tensors and plain values."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "python": [version, list(words), gauss],
        "numpy": [
            str(name),
            # As a tensor: arrays of NumPy would not load with weights_only.
            torch.from_numpy(np.asarray(keys).astype(np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ],
        "torch": torch.get_rng_state(),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: Mapping[str, Any], device: torch.device) -> None:
    """Put the generators back into the states of :func:`random_state`."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
