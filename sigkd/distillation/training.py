"""The one training loop of ``distill`` and ``train-teacher``; read it from :meth:`Trainer.run` down."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from sigkd.distillation.augment import Augmentation
from sigkd.distillation.config import TrainingConfig
from sigkd.distillation.curves import draw_curves
from sigkd.distillation.data import Feeder, Order, TrainingImages
from sigkd.distillation.distributed import (
    ALONE,
    World,
    barrier,
    in_parallel,
    mean_over_world,
    stop_together,
    synchronize_batch_norm,
)
from sigkd.distillation.interrupt import StopRequest
from sigkd.distillation.losses import StudentOutput, Targets
from sigkd.distillation.objective import Objective
from sigkd.distillation.observer import NOBODY, Observer, Status
from sigkd.distillation.record import DataFacts, TrainingRun
from sigkd.distillation.rundir import RunDirectory, random_state, restore_random_state
from sigkd.distillation.schedule import learning_rate
from sigkd.distillation.signals import Told
from sigkd.distillation.student import StudentModule
from sigkd.distillation.supervision import Supervisor
from sigkd.errors import SigkdError, UsageError
from sigkd.json_documents import encode
from sigkd.models.io import save_model
from sigkd.models.registry import FeatureNetwork

Probe = Callable[[FeatureNetwork], Mapping[str, float]]
"""Evaluates the student; its numbers become columns of metrics.csv."""

_MAY_CHANGE = ("checkpoint_seconds", "probe", "probe_every", "supervision", "compile")
"""Fields that a resumed run may have otherwise than it began: they do not change the result."""
_READ_EVERY = 20
"""Steps between two looks at the numbers on a GPU, which has to be waited for."""
_SHARES_EVERY = 200
"""Steps between two looks at the gradients of single terms, each of which costs a backward pass a term."""
NEGLIGIBLE = 1e-4
"""A term with less than this share of the gradient over the first epoch does nothing, which is said."""
_NORM_BATCHES = 50
"""Batches from which an averaged network's batch norm is estimated anew."""


class DivergedError(SigkdError):
    """The loss is not finite any more."""


@dataclass
class Trainer:
    """A run: its parts, and the loop over them."""

    config: TrainingConfig
    data: TrainingImages
    module: StudentModule
    objective: Objective
    run_directory: RunDirectory
    device: torch.device
    precision: torch.dtype
    augmentation: Augmentation
    supervisor: Supervisor | None = None
    observer: Observer = NOBODY
    probe: Probe | None = None
    world: World = ALONE
    facts: dict[str, Any] = field(default_factory=dict)
    """What :class:`TrainingRun` and the model files say besides: teachers, supervision, versions, machine."""

    def __post_init__(self) -> None:
        config = self.config
        self.data = self.data.limited(config.max_images or None, config.seed)
        # The batches are global ones: they do not depend on how many processes share them.
        self.order = Order(self.data.training, config.batch_size, config.seed, config.images_per_epoch or None)
        if config.batch_size % self.world.size:
            raise UsageError(f"a batch of {config.batch_size} cannot be shared by {self.world.size} processes")
        self.feed = Feeder(self.data, self.device)
        # Before the optimizer is made, which keeps references to the parameters.
        self.module.to(self.device).to(memory_format=torch.channels_last)
        self.forward: nn.Module = self.module
        if self.world.size > 1:
            synchronize_batch_norm(self.module)
            self.forward = in_parallel(self.module, self.device, every_parameter_used="cl" in self.objective.names)
        if config.compile:
            torch._functorch.config.donated_buffer = False  # gradients of single terms go through the graph again
            self.forward = torch.compile(self.forward)  # type: ignore[assignment]
        self.optimizer = torch.optim.SGD(
            self.module.parameters(),
            lr=config.lr,
            momentum=config.momentum,
            nesterov=config.momentum > 0 and config.momentum_kind == "nesterov",
            weight_decay=config.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )
        # Only float16 needs it: bfloat16 has float32's range.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == torch.float16)
        self.epoch = self.step = 0
        self.history: list[dict[str, float]] = []
        self.sums: dict[str, Tensor] = {}
        self.average: dict[str, Tensor] = {}
        # On the device: asking a GPU in every step would wait for it in every step.
        self.bad_step = torch.tensor(-1, device=self.device)
        self.seconds = 0.0
        self.best = -math.inf

    # --- the run
    # -----------------------------------------------------------------------------------------------------------

    def run(self, resume: bool = False) -> TrainingRun:
        """Train to the end and return what is written down of the run.

        Raises:
            DivergedError: the loss became NaN or infinite; the message has the step and the checkpoint.
            KeyboardInterrupt: Ctrl-C; a checkpoint is kept.
        """
        if resume:
            self._restore(self.run_directory.load_checkpoint())
        started = self._clock = self._saved = time.monotonic()
        rate_images, rate_since = 0, started
        # Before the first step, so that a run that dies says what it was.
        self._write_down(self._record("running"))
        if not resume:
            self._save()
        with StopRequest() as stop:
            while self.epoch < self.config.epochs:
                batches = self.order.epoch(self.epoch)
                self.module.train()
                while self.step < self.order.steps:
                    total = self._train_step(batches[self.step])
                    self.step += 1
                    rate_images += self.config.batch_size
                    if self._look():
                        self._check_finite(int(self.bad_step))
                        now = time.monotonic()
                        self._report(self._means(), float(total), rate_images / max(now - rate_since, 1e-9))
                        if now - rate_since > 30:
                            # The rate of the last half minute: what is left is told by it.
                            rate_images, rate_since = 0, now
                    # All processes at the same step: one that stops alone leaves the others waiting for its gradients.
                    if stop_together(stop.requested, self.device):
                        self._save()
                        raise KeyboardInterrupt(
                            f"checkpoint kept in {self.run_directory.checkpoint}; continue with `resume=True`"
                        )
                    if time.monotonic() - self._saved > self.config.checkpoint_seconds:
                        self._save()
                self._finish_epoch()
        return self._finish()

    def _train_step(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
        """Take one step on a global batch; return the weighted sum of the losses."""
        # Augmentation is a function of this number, so a resumed run sees what it would have seen.
        number = self.epoch * self.order.steps + self.step
        rate = learning_rate(self.config, self.epoch, self.step, self.order.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batch = self.feed(self.world.share(rows))
        share = len(batch.rows)
        images, clean = self.augmentation.pair(batch.images, number, self.world.rank * share, len(rows))
        # The same piece of the page; whether with the student's changes of the ink is for `teacher_sees` to say.
        told: list[Told] = [] if self.supervisor is None else self.supervisor(clean, batch.rows)
        with self._autocast():
            output: StudentOutput = self.forward(images.contiguous(memory_format=torch.channels_last))
        targets = Targets(batch.writers, batch.forged)
        total, terms = self.objective(output, targets, told)
        self.bad_step = torch.where(torch.isfinite(total.detach()) | (self.bad_step >= 0), self.bad_step, number)
        if self.device.type == "cpu":
            self._check_finite(int(self.bad_step))  # before it can spoil the weights
        # Before the gradients are computed: the graph is still whole.
        if self.step % _SHARES_EVERY == 0 and len(terms) > 1:
            self._add(self._gradient_shares(terms))
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimizer)
        self.scaler.update()
        values = {"loss": total, **terms, **_accuracy(output, targets)}
        self._add({name: value.detach() for name, value in values.items()})
        return total.detach()

    def _gradient_shares(self, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return each weighted term's share of the gradient: its norm over all parameters by the sum of the norms."""
        parameters = list(self.module.parameters())
        norms = []
        for term, value in terms.items():
            weighted = self.scaler.scale(self.objective.weights[term] * value)
            gradients = torch.autograd.grad(weighted, parameters, retain_graph=True, allow_unused=True)
            # None: parameters that a term does not reach, such as the classification layer.
            flat = torch.cat([each.float().flatten() for each in gradients if each is not None])
            norms.append(mean_over_world(flat).norm())
        whole = torch.stack(norms).sum().clamp_min(torch.finfo(torch.float32).tiny)
        return {f"share_{term}": norm / whole for term, norm in zip(terms, norms, strict=True)}

    def _autocast(self) -> torch.autocast:
        lower = self.precision != torch.float32
        return torch.autocast(self.device.type, self.precision if lower else None, enabled=lower)

    def _finish_epoch(self) -> None:
        means = self._means()
        row = {
            "epoch": self.epoch + 1,
            "lr": learning_rate(self.config, self.epoch, self.order.steps - 1, self.order.steps),
            **means,
            **self._validate(self.module),
        }
        last = self.epoch + 1 == self.config.epochs
        if self.probe is not None and self.world.writes and (last or (self.epoch + 1) % self.config.probe_every == 0):
            self.module.eval()
            row |= {f"probe_{name}": float(value) for name, value in self.probe(self.module.network).items()}
        row["seconds"] = self.seconds + time.monotonic() - self._clock
        self.history.append(row)
        if self.epoch == 0:
            self._point_out_idle_terms(row)
        self.epoch, self.step, self.sums = self.epoch + 1, 0, {}
        self._average_weights()
        if self.world.writes:
            self.run_directory.write_metrics(self.history)
            # Whichever the run has; a run keeps to one of them, so the numbers compare.
            score = row.get("val_accuracy", row.get("accuracy", -row["loss"]))
            if score > self.best:
                self.best = score
                save_model(self.run_directory.best, self.module.network, self._metadata(row))
            self.observer.epoch_done(row)
        self._save()

    def _point_out_idle_terms(self, row: Mapping[str, float]) -> None:
        for term, weight in self.objective.weights.items():
            share = row.get(f"share_{term}", 1.0)
            if share < NEGLIGIBLE and self.world.writes:
                self.observer.notice(
                    f"warning: the term '{term}' had {share:.1e} of the gradient in the first epoch: "
                    f"with the weight {weight:g} it does next to nothing"
                )

    @torch.no_grad()
    def _average_weights(self) -> None:
        """After each of the last ``average`` epochs: take the weights into their mean (Izmailov et al. 2018)."""
        number = self.epoch - max(self.config.epochs - self.config.average, 0)
        if self.config.average and number > 0:
            for name, value in self.module.named_parameters():
                # A running mean: with the weight 1/n the n-th epoch counts as much as each before it.
                self.average[name] = torch.lerp(self.average.get(name, value), value, 1 / number)

    def _averaged(self) -> StudentModule:
        """Return a copy of the student with the averaged weights and batch norm estimated for them."""
        module = copy.deepcopy(self.module)
        # Not strict: buffers of batch norm are not averaged, they are estimated below.
        module.load_state_dict(self.average, strict=False)
        batches = self.order.epoch(self.config.epochs)[:_NORM_BATCHES]  # of the epoch that would come next

        def images() -> Iterator[Tensor]:
            for step, rows in enumerate(batches, start=self.config.epochs * self.order.steps):
                batch = self.feed(self.world.share(rows))
                seen = self.augmentation(batch.images, step, self.world.rank * len(batch.rows), len(rows))
                yield seen.contiguous(memory_format=torch.channels_last)

        with self._autocast():
            torch.optim.swa_utils.update_bn(images(), module)
        return module

    @torch.no_grad()
    def _validate(self, module: StudentModule) -> dict[str, float]:
        """Return loss and accuracy of the classification on a fixed choice of validation images."""
        rows = self.data.validation
        limit = self.config.validation_images
        if not len(rows) or not limit or module.network.classes is None or "cl" not in self.objective.names:
            return {}
        if len(rows) > limit:
            # The same choice in every epoch, else the curve would show the choice. Sorted: mapped files are read in
            # order.
            rows = np.sort(np.random.default_rng([self.config.seed, 0x7A11]).permutation(rows)[:limit])
        module.eval()
        crop = Augmentation()
        sums = torch.zeros(3, dtype=torch.float64)
        for part in np.array_split(
            rows[self.world.rank :: self.world.size], max(1, math.ceil(len(rows) / self.world.size / 128))
        ):
            if not len(part):
                continue
            batch = self.feed(part)
            with self._autocast():
                output = module(crop(batch.images, 0).contiguous(memory_format=torch.channels_last))
            if output.logits is None:
                continue
            # A forgery has no writer whom it should be taken for.
            each = nn.functional.cross_entropy(output.logits.float(), batch.writers, reduction="none")
            right = (output.logits.argmax(dim=1) == batch.writers).float()
            counted = torch.ones_like(right) if batch.forged is None else 1.0 - batch.forged
            values = [(each * counted).sum(), (right * counted).sum(), counted.sum()]
            sums += torch.stack(values).cpu().double()
        loss, right_count, count = mean_over_world(sums.float().to(self.device)).tolist()
        return {"val_loss": loss / max(count, 1e-9), "val_accuracy": right_count / max(count, 1e-9)}

    def _finish(self) -> TrainingRun:
        row = self.history[-1]
        record = self._record("complete")
        final = self.module
        if self.config.average:
            final = self._averaged()
            record = replace(record, averaged=self._validate(final))
            row = {**row, **(record.averaged or {})}
        if self.world.writes:
            final_hash = save_model(self.run_directory.final, final.network, self._metadata(row))
            record = replace(record, final_hash=final_hash)
            self._write_down(record)
            draw_curves(self.run_directory.curves, self.history, self.run_directory.path.name)
        barrier()
        return record

    # --- numbers
    # -----------------------------------------------------------------------------------------------------------

    def _add(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value.clone()

    def _means(self) -> dict[str, float]:
        """Return the means over the epoch's steps so far, over all processes."""
        if not self.sums:
            return {}
        values = mean_over_world(torch.stack(list(self.sums.values()))).tolist()
        # Rounded up: the first step of an epoch is always looked at.
        looks = -(-self.step // _SHARES_EVERY)
        means = {
            name: value / (looks if name.startswith("share_") else self.step)
            for name, value in zip(self.sums, values, strict=True)
        }
        return dict(sorted(means.items(), key=lambda item: item[0].startswith("share_")))  # the shares last

    def _look(self) -> bool:
        return self.device.type == "cpu" or self.step % _READ_EVERY == 0 or self.step == self.order.steps

    def _check_finite(self, number: int) -> None:
        """Stop the run, in all processes, if its step ``number`` had a loss that is not finite (-1: none had)."""
        if not stop_together(number >= 0, self.device):
            return
        place = (
            f"step {number + 1} of the run (epoch {number // self.order.steps + 1})"
            if number >= 0
            else "another process"
        )
        raise DivergedError(
            f"the loss is not finite in {place}; the last good checkpoint is {self.run_directory.checkpoint}. "
            "Lower `lr`, or use `precision='float32'`"
        )

    def _report(self, means: dict[str, float], total: float, rate: float) -> None:
        if not self.world.writes:
            return
        steps = self.order.steps
        left = ((self.config.epochs - self.epoch) * steps - self.step) * self.config.batch_size / max(rate, 1e-9)
        terms = {term: means[term] for term in self.objective.weights if term in means}
        lr = float(self.optimizer.param_groups[0]["lr"])
        previous = self.history[-1] if self.history else {}
        status = Status(
            self.epoch + 1,
            self.config.epochs,
            self.step,
            steps,
            rate,
            left,
            lr,
            total,
            terms,
            means.get("accuracy"),
            previous,
        )
        self.observer.step_done(status)

    # --- files
    # -------------------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        """Write last.ckpt, if the numbers in it are good."""
        now = time.monotonic()
        self.seconds += now - self._clock
        self._clock = self._saved = now
        if not self.world.writes:
            return
        # The last good checkpoint is better than one to which a run that diverged could be resumed.
        if any(not bool(torch.isfinite(value)) for value in self.sums.values()):
            return
        self.run_directory.save_checkpoint(
            {
                "config": self.config.as_dict(),
                "data_hash": self.data.content_hash,
                "epoch": self.epoch,
                "step": self.step,
                "model": self.module.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "random": random_state(self.device),
                "sums": self.sums,
                "average": self.average,
                "history": self.history,
                "seconds": self.seconds,
                "best": self.best,
            }
        )

    def _restore(self, state: Mapping[str, Any]) -> None:
        began, now = state["config"], self.config.as_dict()
        for name, value in now.items():
            if name not in began:  # an option that is younger than the run
                self.observer.notice(f"the run began without the option '{name}' and goes on with {value!r}")
            elif name not in _MAY_CHANGE and began[name] != value:
                raise UsageError(
                    f"the run began with {name} = {began[name]!r} and cannot go on with {value!r}; "
                    "start another with `name`"
                )
        if state["data_hash"] != self.data.content_hash:
            raise UsageError(f"the dataset '{self.data.name}' is not the one that the run began with")
        self.module.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        restore_random_state(state["random"], self.device)
        self.epoch, self.step = state["epoch"], state["step"]
        # Of the epoch that was cut: its row in metrics.csv is the same as without the interruption.
        self.sums = {name: value.to(self.device) for name, value in state["sums"].items()}
        self.average = {name: value.to(self.device) for name, value in state.get("average", {}).items()}
        self.history = [dict(row) for row in state["history"]]
        self.seconds, self.best = state["seconds"], state["best"]
        self.observer.notice(f"resumed at epoch {self.epoch + 1}, step {self.step + 1}")

    def _metadata(self, row: Mapping[str, float]) -> dict[str, Any]:
        metrics = {name: value for name, value in row.items() if math.isfinite(value)}
        return {
            **self.data.metadata,
            "trained_on": self.data.name,
            "recipe": self.config.as_dict(),
            "metrics": metrics,
            **encode(self.facts),
        }

    def _record(self, status: Literal["running", "complete"]) -> TrainingRun:
        images = (self.epoch * self.order.steps + self.step) * self.config.batch_size
        data = self.data
        return TrainingRun(
            run=self.run_directory.path,
            status=status,
            config=self.config,
            weights=self.objective.weights,
            data=DataFacts(
                data.name, data.content_hash, data.classes, len(data.training), len(data.validation), data.metadata
            ),
            device=str(self.device),
            precision=str(self.precision).removeprefix("torch."),
            processes=self.world.size,
            steps_per_epoch=self.order.steps,
            seconds=self.seconds,
            images_per_second=images / self.seconds if self.seconds else None,
            last=self.history[-1] if self.history else None,
            **self.facts,
        )

    def _write_down(self, record: TrainingRun) -> None:
        if self.world.writes:
            record.save(self.run_directory.facts)


def _accuracy(output: StudentOutput, targets: Targets) -> dict[str, Tensor]:
    if output.logits is None:
        return {}
    right = (output.logits.detach().argmax(dim=1) == targets.writers).float()
    if targets.forged is None:
        return {"accuracy": right.mean()}
    genuine = 1.0 - targets.forged
    return {"accuracy": (right * genuine).sum() / genuine.sum().clamp_min(1.0)}
