"""A small network that tells, pixel by pixel, the writer's ink from lines, print and paper.

It was trained on made-up signatures in made-up scans (``benchmarks/train_ink_network.py``) and is read by OpenCV, so
that looking at a scan needs no PyTorch.
"""

from __future__ import annotations

import threading
from functools import reduce
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

PAPER, INK, LINE, PRINT = range(4)
"""The kinds that the network tells apart; stamps and security print count as print."""

NETWORK_DPI = 150.0
"""Resolution at which the network looks at a scan."""

_STRIDE = 16
_UNIT = 128.0  # darkness that is 1 for the network
_VISIBLE, _FEW, _USUAL, _MOST_GAIN = 16, 20, 100.0, 4.0
_FILE = Path(__file__).with_name("ink_network.onnx")
_local = threading.local()


def kinds_of_ink(picture: U8) -> F32:
    """Return for every pixel how much speaks for each kind, float32 [4, H, W] (logarithms of odds, not normalised).

    Args:
        picture: uint8 [H, W] or [H, W, 3] at :data:`NETWORK_DPI`, its light evened out (paper at 255).
    """
    height, width = picture.shape[:2]
    bottom, right = -height % _STRIDE, -width % _STRIDE
    padded = cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    dark = np.asarray(cv2.bitwise_not(padded), np.uint8)
    split = [dark] * 3 if dark.ndim == 2 else cv2.split(dark)
    planes = [np.asarray(plane, np.uint8) for plane in split]
    gain = _gain(dark if dark.ndim == 2 else np.asarray(reduce(np.maximum, planes), np.uint8))
    network = _network()
    network.setInput(cv2.dnn.blobFromImage(cv2.merge(planes), gain / _UNIT))
    return np.asarray(network.forward()[0, :, :height, :width], np.float32)


def _gain(darkest: U8) -> float:
    """Return the factor that makes faint ink as dark as usual: the network knows strokes by their shape."""
    inked = darkest[darkest >= _VISIBLE]
    if inked.size <= _FEW:
        return 1.0
    return float(np.clip(_USUAL / np.percentile(inked, 90), 1.0, _MOST_GAIN))


def _network() -> cv2.dnn.Net:
    """Return this thread's network: OpenCV's may not be shared."""
    if not hasattr(_local, "network"):
        _local.network = cv2.dnn.readNetFromONNX(str(_FILE))
    network: cv2.dnn.Net = _local.network
    return network
