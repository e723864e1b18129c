"""Random changes to batches of training images, as a few operations on whole tensors.

Text crops differ from signatures in ink, stroke width and size; these changes widen what the student sees. Everything
geometric (crop position, rotation, shear, scale, elastic) is one resampling from the 170x242 image, so the cost stays a
few per cent of a training step. All random numbers are drawn on the CPU from (seed, step) for the whole global batch:
the same images come out on every device, for any number of processes, and after a resumption.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


def step_seed(seed: int, step: int) -> int:
    """Return the seed of one step's random numbers (63 bits, well mixed: neighbouring steps are independent)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) & (2**64 - 1)
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    return (mixed ^ (mixed >> 27)) >> 1


@dataclass(frozen=True)
class Augmentation:
    """Crops uint8 images to the network's input and changes them at random.

    Args:
        size: height and width of the result.
        random_crop: crop at a random place (uniform over all places), else at the centre.
        strengths: augmentations by name (:data:`sigkd.distillation.augmentations.AUGMENTATIONS`).
        seed: of all the random numbers.
        share: of the images whose ink (stroke width, blur, darkness, noise) is changed, 0 to 1; the others keep theirs.
        clean_teacher: whether a teacher sees all images with their own ink, in the same crop and warp as the student.
    """

    size: tuple[int, int] = (150, 220)
    random_crop: bool = False
    strengths: Mapping[str, float] | None = None
    seed: int = 0
    share: float = 1.0
    clean_teacher: bool = False

    @property
    def deterministic(self) -> bool:
        """Whether a student always sees the same of an image."""
        return not self.random_crop and not self.strengths

    @property
    def fixed_for_teacher(self) -> bool:
        """Whether a teacher always sees the same of an image, so that its words on it can be kept."""
        moved = self.random_crop or _moves(self.strengths or {})
        return self.deterministic or (self.clean_teacher and not moved)

    def __call__(self, images: Tensor, step: int, start: int = 0, whole: int | None = None) -> Tensor:
        """Return what a student sees, the first of :meth:`pair`; arguments as there."""
        return self.pair(images, step, start, whole)[0]

    def pair(self, images: Tensor, step: int, start: int = 0, whole: int | None = None) -> tuple[Tensor, Tensor]:
        """Return what student and teacher see, each float32 [B, 1, h, w] in [0, 1], from uint8 [B, H, W].

        Args:
            images: this process's part of the global batch, on any device.
            step: number of the step in the whole run; chooses the random numbers.
            start: place of the first of ``images`` in the global batch.
            whole: size of the global batch; None: ``images`` is all of it.
        """
        height, width = self.size
        slack = (images.shape[1] - height, images.shape[2] - width)
        if min(slack) < 0:
            raise ValueError(f"images of {tuple(images.shape[1:])} are smaller than the network's input {self.size}")
        centre = (slack[0] // 2, slack[1] // 2)
        if self.deterministic:
            cut = images[:, centre[0] : centre[0] + height, centre[1] : centre[1] + width]
            cut = cut.unsqueeze(1).to(torch.float32).div_(255.0)
            return cut, cut
        share = slice(start, start + len(images))
        draw = _Draw(step_seed(self.seed, step), whole or len(images), share, images.device)
        rows, columns = draw.integers(slack[0] + 1), draw.integers(slack[1] + 1)
        if not self.random_crop:
            rows, columns = torch.full_like(rows, centre[0]), torch.full_like(columns, centre[1])
        strengths = self.strengths or {}
        if _moves(strengths):
            batch = self._warp(images, rows, columns, strengths, draw)
        else:
            batch = _crop(images, rows, columns, self.size)
        changed = _change_ink(batch, strengths, draw)
        if self.share < 1:
            changed = torch.where((draw.uniform() < self.share)[:, None, None, None], changed, batch)
        return changed, batch if self.clean_teacher else changed

    def _warp(
        self, images: Tensor, rows: Tensor, columns: Tensor, strengths: Mapping[str, float], draw: _Draw
    ) -> Tensor:
        """Resample once for crop, rotation, shear, scale, zoom and elastic displacement, about the crop's centre."""
        count, full_height, full_width = images.shape
        height, width = self.size
        angle = draw.signed() * math.radians(strengths.get("rotate", 0.0))
        shear = draw.signed() * strengths.get("shear", 0.0)
        zoom = torch.exp(draw.signed() * math.log(strengths.get("zoom", 1.0)))
        stretch = strengths.get("scale", 0.0)
        wide, high = zoom * (1 + draw.signed() * stretch), zoom * (1 + draw.signed() * stretch)
        cos, sin = torch.cos(angle), torch.sin(angle)
        # where each output pixel (x, y), relative to the centre, comes from: unstretch, unshear, unrotate; in pixels
        from_x = torch.stack([cos / wide, (sin + cos * shear) / high], dim=1)
        from_y = torch.stack([-sin / wide, (cos - sin * shear) / high], dim=1)
        middle_x, middle_y = columns + (width - 1) / 2, rows + (height - 1) / 2
        # grid_sample's coordinates: -1 and 1 are the outer edges of the image (align_corners=False)
        half_width, half_height = width / 2, height / 2
        theta = torch.zeros(count, 2, 3, device=images.device)
        theta[:, 0, 0] = from_x[:, 0] * half_width
        theta[:, 0, 1] = from_x[:, 1] * half_height
        theta[:, 0, 2] = middle_x + 0.5 - full_width / 2
        theta[:, 1, 0] = from_y[:, 0] * half_width
        theta[:, 1, 1] = from_y[:, 1] * half_height
        theta[:, 1, 2] = middle_y + 0.5 - full_height / 2
        theta[:, 0] /= full_width / 2
        theta[:, 1] /= full_height / 2
        grid = functional.affine_grid(theta, [count, 1, height, width], align_corners=False)
        if strengths.get("elastic"):
            pixels = torch.tensor([2 / full_width, 2 / full_height], device=images.device) * strengths["elastic"] / 2
            knots = draw.normal(2, 4, 6)
            moved = functional.interpolate(knots, size=self.size, mode="bicubic", align_corners=True)
            grid = grid + moved.permute(0, 2, 3, 1) * pixels
        source = images.unsqueeze(1).to(torch.float32).div_(255.0)
        return functional.grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _moves(strengths: Mapping[str, float]) -> bool:
    return bool({"rotate", "shear", "scale", "zoom", "elastic"} & set(strengths))


class _Draw:
    """Random numbers, one an image of the global batch; this process keeps its share of them."""

    def __init__(self, seed: int, whole: int, share: slice, device: torch.device) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._rows, self._share, self._device = whole, share, device

    def _keep(self, values: Tensor) -> Tensor:
        return values[self._share].to(self._device)

    def uniform(self) -> Tensor:
        return self._keep(torch.rand(self._rows, generator=self._generator))

    def signed(self) -> Tensor:
        return self.uniform() * 2 - 1

    def integers(self, bound: int) -> Tensor:
        return self._keep(torch.randint(bound, (self._rows,), generator=self._generator))

    def normal(self, *shape: int) -> Tensor:
        return self._keep(torch.randn(self._rows, *shape, generator=self._generator))


def _crop(images: Tensor, rows: Tensor, columns: Tensor, size: tuple[int, int]) -> Tensor:
    height, width = size
    if images.device.type == "cpu":  # slices are copies of rows: much faster than a gather of single pixels
        result = torch.empty(len(images), height, width, dtype=images.dtype)
        for target, image, top, left in zip(result, images, rows.tolist(), columns.tolist(), strict=True):
            target.copy_(image[top : top + height, left : left + width])
    else:
        y = rows[:, None, None] + torch.arange(height, device=images.device)[None, :, None]
        x = columns[:, None, None] + torch.arange(width, device=images.device)[None, None, :]
        result = images[torch.arange(len(images), device=images.device)[:, None, None], y, x]
    return result.unsqueeze(1).to(torch.float32).div_(255.0)


def _change_ink(batch: Tensor, strengths: Mapping[str, float], draw: _Draw) -> Tensor:
    def column(values: Tensor) -> Tensor:
        return values[:, None, None, None]

    for name in ("thin", "thicken"):
        for _ in range(math.ceil(strengths.get(name, 0.0))):
            sign = -1.0 if name == "thin" else 1.0
            amount = column(draw.uniform() * (strengths[name] / math.ceil(strengths[name])))
            grown = sign * functional.max_pool2d(sign * batch, 3, stride=1, padding=1)
            batch = torch.lerp(batch, grown, amount)
    if strengths.get("blur"):
        sigma = draw.uniform() * strengths["blur"] * (draw.uniform() < 0.5)
        batch = _blur(batch, sigma, strengths["blur"])
    if "gamma" in strengths:
        power = torch.exp(draw.signed() * math.log(strengths["gamma"]))
        batch = batch.clamp(0.0, 1.0).pow(column(power))
    if "ink" in strengths:
        batch = batch * column(strengths["ink"] + (1 - strengths["ink"]) * draw.uniform())
    if strengths.get("noise"):
        level = draw.uniform() * strengths["noise"]
        noise = draw.normal(1, *batch.shape[2:])
        batch = torch.where(
            batch > 0, batch + column(level) * noise, batch
        )  # the paper stays exactly 0, as in real data
    return batch.clamp(0.0, 1.0)


def _blur(batch: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """Blur each image with its own sigma: two passes of a convolution with one group an image."""
    reach = max(1, math.ceil(2.5 * largest))
    offsets = torch.arange(-reach, reach + 1, device=batch.device, dtype=torch.float32)
    kernels = torch.exp(-0.5 * (offsets[None, :] / sigma.clamp_min(1e-3)[:, None]) ** 2)
    kernels = kernels / kernels.sum(dim=1, keepdim=True)
    stacked = batch.transpose(0, 1)
    count = len(kernels)
    stacked = functional.conv2d(stacked, kernels[:, None, None, :], padding=(0, reach), groups=count)
    stacked = functional.conv2d(stacked, kernels[:, None, :, None], padding=(reach, 0), groups=count)
    return stacked.transpose(0, 1)
