"""A small network that finds signatures on a page: where they are, which strokes are theirs, which way is up.

It was trained on made-up pages (``benchmarks/train_signature_detector.py``) and is read by OpenCV, so that looking at
a page needs no PyTorch.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.images.light import divide_by, paper_brightness

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

DETECTOR_DPI = 75.0
"""Resolution at which the network looks at a page."""
STRIDE = 8
"""Pixels of the page that one cell of scores and boxes stands for; of strokes: 2."""

_MULTIPLE = 16
_UNIT = 128.0  # darkness that is 1 for the network
_DARK = 40  # grey levels below the paper from which a pixel tells which way is up
_STEP, _STANDS_OUT = 0.05, 0.15  # of scores: neighbours are told apart by a dip between them
_STROKE = 0.4
_REACH, _SHARE_BEYOND = 7.0, 0.5  # pixels of strokes, and share of a core's sides, to which its strokes reach
_MOSTLY = 0.8  # of connected strokes
_FILE = Path(__file__).with_name("detector.onnx")
_local = threading.local()


@dataclass(frozen=True)
class Found:
    """What the network found on a page, best score first."""

    boxes: F32
    """[n, 4] left, top, right, bottom of the strokes in pixels at :data:`DETECTOR_DPI`."""
    scores: F32
    """[n] 0 .. 1."""
    strokes: F32
    """[H / 2, W / 2] how likely what is dark there belongs to a signature, 0 .. 1."""
    owners: npt.NDArray[np.int32]
    """[H / 2, W / 2] whose strokes they are: 0 nobody's, 1 those of the first box ..."""
    turns: F32
    """[4] how likely the page is upright, or was turned counterclockwise by 90, 180, 270 degrees."""


def evened(picture: U8) -> U8:
    """Return a page [H, W] or [H, W, 3] at :data:`DETECTOR_DPI` with its paper at 255."""
    return divide_by(picture, paper_brightness(picture, 1.0))


def find_signatures(picture: U8, least: float) -> Found:
    """Find signatures on a page.

    Args:
        picture: uint8 [H, W] or [H, W, 3] at :data:`DETECTOR_DPI`, its light evened out.
        least: score from which a box is returned.
    """
    height, width = picture.shape[:2]
    bottom, right = -height % _MULTIPLE, -width % _MULTIPLE
    padded = cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    dark = np.asarray(cv2.bitwise_not(padded), np.uint8)
    planes = [dark] * 3 if dark.ndim == 2 else cv2.split(dark)
    network = _network()
    network.setInput(cv2.dnn.blobFromImage(cv2.merge(planes), 1 / _UNIT))
    cells, strokes = network.forward(["cells", "strokes"])
    darkest = np.asarray(reduce(np.maximum, planes), np.uint8)
    share = cv2.resize((darkest > _DARK).astype(np.float32), cells.shape[:1:-1], interpolation=cv2.INTER_AREA)
    drawn = _sigmoid(strokes[0, 0])
    owners, scores = _gather(_sigmoid(cells[0, 0]), drawn, least)
    rows, columns = -(-height // 2), -(-width // 2)
    drawn, owners = drawn[:rows, :columns], owners[:rows, :columns]
    boxes = np.zeros((len(scores), 4), np.float32)
    for number in range(len(scores)):
        left, top, wide, high = cv2.boundingRect((owners == number + 1).view(np.uint8))
        boxes[number] = 2 * np.array([left, top, left + wide, top + high])
    return Found(boxes, scores, drawn, np.ascontiguousarray(owners), _turns(cells[0, 1:], share))


def _gather(score: F32, strokes: F32, least: float) -> tuple[npt.NDArray[np.int32], F32]:
    """Return whose the strokes are [h, w] (1 ... n, 0 nobody's), and how sure the network is of each signature [n].

    Each signature has a core, where the score is high; strokes go to the nearest core, whole where most of them do.
    """
    cores, values = _cores(score, least)
    owners = np.zeros(strokes.shape, np.int32)
    if not values.size:
        return owners, values
    large = np.repeat(np.repeat(cores, STRIDE // 2, axis=0), STRIDE // 2, axis=1)
    _, nearest = cv2.distanceTransformWithLabels(
        (large == 0).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(nearest.max()) + 1, np.int32)
    of_label[nearest[large > 0]] = large[large > 0]
    whose = of_label[nearest]
    near = np.zeros(strokes.shape, bool)
    for core in range(1, len(values) + 1):
        left, top, wide, high = cv2.boundingRect((large == core).view(np.uint8))
        x, y = round(_REACH + _SHARE_BEYOND * wide), round(_REACH + _SHARE_BEYOND * high)
        place = slice(max(0, top - y), top + high + y), slice(max(0, left - x), left + wide + x)
        near[place] |= (strokes[place] >= _STROKE) & (whose[place] == core)
    _, parts = cv2.connectedComponents(near.view(np.uint8), connectivity=8)
    flat, who = np.asarray(parts[near], np.intp), np.asarray(whose[near], np.intp)
    votes = np.zeros((int(parts.max()) + 1, len(values) + 1), np.int64)
    np.add.at(votes, (flat, who), 1)
    winner = votes.argmax(axis=1)
    whole = votes.max(axis=1) >= _MOSTLY * np.maximum(votes.sum(axis=1), 1)
    owners[near] = np.where(whole[flat], winner[flat], who)
    return _numbered(owners, values)


def _cores(score: F32, least: float) -> tuple[npt.NDArray[np.int32], F32]:
    """Return the cores [h, w], numbered from 1, and their best scores [n].

    What is one core at a low score and several at a higher one are several signatures, if each of them stands out.
    """
    result = np.zeros(score.shape, np.int32)
    values: list[float] = []

    def divide(inside: npt.NDArray[np.bool_], level: float) -> None:
        top = float(score[inside].max())
        higher = level + _STEP
        while higher < top:
            number, labels = cv2.connectedComponents((inside & (score >= higher)).view(np.uint8), connectivity=8)
            parts = [labels == label for label in range(1, number)]
            parts = [part for part in parts if score[part].max() >= higher + _STANDS_OUT - _STEP]
            if len(parts) > 1:
                for part in parts:
                    divide(part, higher)
                return
            higher += _STEP
        values.append(top)
        result[inside] = len(values)

    number, labels = cv2.connectedComponents((score >= least).view(np.uint8), connectivity=8)
    for label in range(1, number):
        divide(labels == label, least)
    return result, np.array(values, np.float32)


def _numbered(owners: npt.NDArray[np.int32], values: F32) -> tuple[npt.NDArray[np.int32], F32]:
    """Return the owners numbered by their scores, without those that own no strokes."""
    count = np.bincount(owners.reshape(-1), minlength=len(values) + 1)[1:]
    order = [number for number in np.argsort(-values, kind="stable") if count[number] > 0]
    new = np.zeros(len(values) + 1, np.int32)
    new[np.array(order, np.intp) + 1] = np.arange(1, len(order) + 1)
    return new[owners], values[order]


def _turns(logits: npt.NDArray[Any], share: npt.NDArray[Any]) -> F32:
    inked = share > 0.05
    if not inked.any():
        return np.array([1, 0, 0, 0], np.float32)
    each = logits[:, inked]
    each = np.exp(each - each.max(axis=0))
    return np.asarray((each / each.sum(axis=0)).mean(axis=1), np.float32)


def _sigmoid(value: F32) -> F32:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -30, 30))), np.float32)


def _network() -> cv2.dnn.Net:
    """Return this thread's network: OpenCV's may not be shared."""
    if not hasattr(_local, "network"):
        _local.network = cv2.dnn.readNetFromONNX(str(_FILE))
    network: cv2.dnn.Net = _local.network
    return network
