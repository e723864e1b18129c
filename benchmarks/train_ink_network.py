"""Train the network that tells the writer's ink from lines, print and paper (``sigkd/images/ink_network.onnx``).

    python benchmarks/train_ink_network.py make scans --number 23000 --fonts /usr/share/fonts
    python benchmarks/train_ink_network.py train scans --steps 4700
    python benchmarks/train_ink_network.py measure

``make`` composes pieces of 160 x 288 pixels at 150 dpi: signatures of writers who do not exist, scribbles, characters
of straight strokes and written words, with straight pen strokes among them; on paper, with lines, boxes, combs, print,
stamps, security print; shaded, blurred, binarised; pieces of made-up documents; logos, codes and pictures. Nothing in
them is of a real person. ``train`` fits the network and writes it. ``measure`` tables, for signatures that training did
not see, typefaces that are held out and every disturbance, how much ink is kept and how much of what is kept is
something else; ``--dutch`` and ``--nfi`` add research data where it lies in ../shared.
"""

from __future__ import annotations

import argparse
import copy
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from sigkd.images.ink_network import _FEW, _MOST_GAIN, _UNIT, _USUAL, _VISIBLE, INK, LINE, NETWORK_DPI, PAPER, PRINT
from sigkd.images.light import divide_by, paper_brightness
from sigkd.synthesis.disturbances import DISTURBANCES, Scan, all_disturbances, parse_chain
from sigkd.synthesis.disturbances.surface import coloured, imprint
from sigkd.synthesis.documents import kinds, make_document, not_a_signature
from sigkd.synthesis.fonts import font_files, shipped_fonts, text_coverage
from sigkd.synthesis.handwriting import handwriting
from sigkd.synthesis.render import Trace, ink_map, random_paper, scan
from sigkd.synthesis.signatures import signature_image, signature_ink
from sigkd.synthesis.writer import made_up_word, random_pen

PIECE = (160, 288)
BATCH, CROP = 16, (128, 224)
SEED_OF_WRITERS = 77  # another population than the demonstration's and the tests'


# What is written


def scribble(rng, size):
    """Return loops, waves and dots of no script."""
    traces, x = [], 0.0
    for _ in range(int(rng.integers(2, 7))):
        from scipy.interpolate import CubicSpline

        count = int(rng.integers(3, 9))
        points = np.cumsum(rng.normal(0, 1, (count, 2)) * [0.5, 0.8], axis=0) * size
        points[:, 0] += np.linspace(0, size * rng.uniform(0.5, 2.5), count) + x
        path = CubicSpline(np.arange(count), points)(np.linspace(0, count - 1, count * 12))
        traces.append(Trace(path, np.hypot(*np.gradient(path, axis=0).T) * 200 + 1))
        x = path[-1, 0] + size * rng.normal(0.3, 0.3)
        if rng.random() < 0.4:
            for _ in range(int(rng.integers(1, 4))):
                at = np.array([x - size * rng.uniform(0, 2), points[:, 1].mean() + size * rng.choice([-1.6, 1.6])])
                dot = at + rng.normal(0, 0.2, 2) * size
                path = dot + np.linspace(0, 1, 6)[:, None] * rng.normal(0, 0.12, 2) * size
                traces.append(Trace(path, np.full(6, 150.0)))
    return traces


def characters(rng, size):
    """Return characters of straight strokes in square cells."""
    traces, x = [], 0.0
    for _ in range(int(rng.integers(2, 5))):
        for _ in range(int(rng.integers(4, 12))):
            kind, start, length = rng.random(), rng.uniform(0, 1, 2), rng.uniform(0.25, 1.0)
            if kind < 0.4:
                run = np.array([length, rng.normal(-0.08, 0.06)])
            elif kind < 0.7:
                run = np.array([rng.normal(0, 0.05), length])
            elif kind < 0.9:
                run = np.array([rng.choice([-1, 1]) * length * 0.6, length * 0.6])
            else:
                run = np.array([0.1, 0.12])
            t = np.linspace(0, 1, 14)[:, None]
            path = start - 0.3 * run + t * run + rng.normal(0, 0.05) * np.sin(np.pi * t) * run[::-1]
            path = path * size * [1, 1.1] + [x, 0]
            if rng.random() < 0.25 and kind < 0.7:
                hook = np.linspace(0.1, 1, 6)[:, None] * rng.normal(0, 0.15, 2) * size
                path = np.vstack([path, path[-1] + hook])
            traces.append(Trace(path, np.full(len(path), 300.0) * rng.uniform(0.6, 1.6)))
        x += size * rng.uniform(1.05, 1.4)
    return traces


def straight_strokes(traces, rng):
    """Add what the pen draws straight: underlines, bars, crossings-out."""
    every = np.vstack([trace.position for trace in traces])
    low, extent = every.min(axis=0), np.ptp(every, axis=0)
    for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))):
        kind = rng.random()
        if kind < 0.55:
            start = low + extent * [rng.uniform(-0.1, 0.4), rng.uniform(0.55, 1.25)]
            run, angle = np.array([extent[0] * rng.uniform(0.3, 1.1), 0.0]), rng.normal(-0.08, 0.12)
        elif kind < 0.8:
            start = low + extent * rng.uniform(0, 1, 2)
            run, angle = np.array([0.0, extent[1] * rng.uniform(0.4, 1.2)]), rng.normal(0.1, 0.25)
        else:
            start = low + extent * rng.uniform(0, 0.7, 2)
            run, angle = np.array([extent[0] * rng.uniform(0.2, 0.9), 0.0]), rng.uniform(-1.3, 1.3)
        cosine, sine = np.cos(angle), np.sin(angle)
        run = np.array([cosine * run[0] - sine * run[1], sine * run[0] + cosine * run[1]])
        t, across = np.linspace(0, 1, 30)[:, None], np.array([-run[1], run[0]])
        bend = rng.normal(0, 0.025) * np.sin(np.pi * t)
        bend = bend + rng.normal(0, 0.008) * np.sin(2 * np.pi * t + rng.uniform(0, 6))
        path = start + t * run + across * bend
        if rng.random() < 0.3:
            back = np.linspace(0.05, 1, 12)[:, None]
            path = np.vstack(
                [path, path[-1] + back * (-run * rng.uniform(0.2, 0.9)) + across * rng.normal(0, 0.08) * back]
            )
        speed = rng.uniform(250, 1500) * np.linspace(0.6, 1.4, len(path))
        traces.append(Trace(path, speed))
    return traces


def written_ink(rng, dpi):
    """Return ink [H, W] uint8 and its pen: a signature, a scribble, characters or words, with some paper around."""
    kind = rng.random()
    if kind < 0.62 and rng.random() < 0.6:  # as the generator draws it
        ink, pen, _ = signature_ink(int(rng.integers(200_000)), 0, seed=SEED_OF_WRITERS)
        share = dpi / 400 * float(np.exp(rng.normal(0, 0.15)))
        share = min(share, 110 * dpi / 25.4 / ink.shape[1], 50 * dpi / 25.4 / ink.shape[0])
        ink = cv2.resize(ink, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        return np.asarray(ink, np.uint8), pen
    pen = random_pen(rng)
    if kind < 0.62 or kind >= 0.9:
        words = " ".join(made_up_word(rng, 3, 9).capitalize() for _ in range(int(rng.integers(1, 3))))
        ink = handwriting(words, rng.uniform(4, 12), (dpi, dpi), rng)
        sides = [int(side) for side in rng.uniform(0.5, 5, 4) * dpi / 25.4]
        return np.pad(ink, ((sides[0], sides[1]), (sides[2], sides[3]))), pen
    traces = scribble(rng, rng.uniform(30, 90)) if kind < 0.75 else characters(rng, rng.uniform(110, 260))
    if rng.random() < 0.4:
        traces = straight_strokes(traces, rng)
    if rng.random() < 0.3:
        pen = replace(pen, width=pen.width * float(np.exp(rng.uniform(-0.35, 0.9))))
    share = dpi / 400
    every = np.vstack([trace.position for trace in traces]) * share
    extent = np.ptp(every, axis=0)
    fit = min(110 * dpi / 25.4 / extent[0], 50 * dpi / 25.4 / extent[1], 1.0)
    room = rng.uniform(0.5, 5, 4) * dpi / 25.4
    low = every.min(axis=0) * fit - room[:2]
    width, height = (int(side) for side in np.ceil(extent * fit + room[:2] + room[2:]))
    moved = [Trace(trace.position * share * fit - low, trace.speed * share * fit) for trace in traces]
    return ink_map(moved, replace(pen, width=max(pen.width * share, 1.0)), (height, width), oversample=2), pen


def base(rng, dpi):
    """Return something written on plain paper, with its truth."""
    ink, pen = written_ink(rng, dpi)
    full = 0.6 * np.percentile(ink[ink > 0], 70) if (ink > 0).any() else 255.0
    truth = np.clip(ink.astype(np.float32) / max(full, 30) * 255, 0, 255).astype(np.uint8)
    image = np.asarray(scan(ink, pen, random_paper(rng), rng), np.uint8)
    return Scan(image, (dpi, dpi), None, {"signature": truth})


# What is printed


def print_block(sheet, fonts, rng):
    """Print a few lines of type anywhere."""
    height, width = sheet.shape
    em = sheet.length(rng.uniform(5, 16) * 25.4 / 72)
    if em < 6:
        return sheet
    font, coverage = fonts[int(rng.integers(len(fonts)))], np.zeros((height, width), np.uint8)
    x, y = rng.uniform(-0.1, 0.8) * width, rng.uniform(-0.05, 0.95) * height
    for _ in range(int(rng.choice([1, 1, 1, 2, 3, 6]))):
        text = " ".join(made_up_word(rng, 2, 9) for _ in range(int(rng.integers(1, 7))))
        case = rng.random()
        text = text.upper() if case < 0.2 else text.capitalize() if case < 0.6 else text
        if rng.random() < 0.25:
            text = "".join(rng.choice(list("0123456789./-:"), int(rng.integers(3, 14))))
        line = text_coverage(text + str(rng.choice([":", ".", "", ""])), font, em)
        left, top = int(x), int(y)
        right, bottom = min(left + line.shape[1], width), min(top + line.shape[0], height)
        a, b = max(left, 0), max(top, 0)
        if right > a and bottom > b:
            part = coverage[b:bottom, a:right]
            np.maximum(part, line[b - top : bottom - top, a - left : right - left], out=part)
        y += em * rng.uniform(1.1, 1.6)
    return imprint(sheet, coverage, _tone(sheet, rng), "print")


def any_line(sheet, rng):
    """Rule one or two lines anywhere, in any direction."""
    height, width = sheet.shape
    coverage = np.zeros((height * 2, width * 2), np.uint8)
    angle = np.radians(rng.choice([0, 90, rng.uniform(0, 180)], p=[0.5, 0.3, 0.2]) + rng.normal(0, 0.7))
    thick = max(round(2 * sheet.length(rng.uniform(0.1, 0.7))), 1)
    middle = rng.uniform(0.05, 0.95, 2) * [width * 2, height * 2]
    run = np.array([np.cos(angle), np.sin(angle)]) * max(height, width) * 2 * rng.uniform(0.3, 1.5)
    for number in range(int(rng.choice([1, 1, 1, 2]))):
        shift = np.array([0, number * sheet.length(rng.uniform(0.5, 8)) * 2])
        ends = [tuple(int(v) for v in middle + sign * run * rng.random() + shift) for sign in (-1, 1)]
        cv2.line(coverage, ends[0], ends[1], 255, thick, cv2.LINE_AA)
    coverage = np.asarray(cv2.resize(coverage, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return imprint(sheet, coverage, int(rng.integers(0, 140)), "line")


def marks(sheet, rng):
    """Print solid and outlined shapes."""
    height, width = sheet.shape
    coverage = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        centre = int(rng.uniform(0, 1) * width), int(rng.uniform(0, 1) * height)
        radius = int(sheet.length(rng.uniform(1, 8))) + 1
        thick, kind = int(rng.choice([-1, 1, 2, max(2, radius // 6)])), rng.integers(4)
        if kind == 0:
            cv2.circle(coverage, centre, radius, 255, thick, cv2.LINE_AA)
        elif kind == 1:
            cv2.rectangle(
                coverage, centre, (centre[0] + radius * int(rng.integers(1, 3)), centre[1] + radius), 255, thick
            )
        elif kind == 2:
            end = float(rng.choice([360, 200, 270]))
            axes = (radius, max(radius // 2, 1))
            cv2.ellipse(coverage, centre, axes, float(rng.uniform(0, 180)), 0, end, 255, thick, cv2.LINE_AA)
        else:
            corners = np.sort(rng.uniform(0, 6.28, int(rng.integers(3, 6))))
            shape = np.array(centre) + radius * np.stack([np.cos(corners), np.sin(corners)], axis=1)
            if thick < 0:
                cv2.fillPoly(coverage, [shape.astype(np.int32)], 255, cv2.LINE_AA)
            else:
                cv2.polylines(coverage, [shape.astype(np.int32)], True, 255, thick, cv2.LINE_AA)
    return imprint(sheet, coverage, _tone(sheet, rng), "print")


def _tone(sheet, rng):
    if sheet.colour and rng.random() < 0.4:
        return tuple(int(value) for value in rng.integers(0, 170, 3))
    return int(rng.integers(0, 120))


# Scans


def disturbed(sheet, rng, chance, name, low, high):
    """Return the sheet disturbed, with a chance, at a level between ``low`` and ``high``."""
    if rng.random() >= chance:
        return sheet
    return DISTURBANCES.get(name)(sheet, float(rng.uniform(low, high)), rng)


def optics(sheet, rng):
    """Return the sheet as scanners and cameras see it."""
    sheet = disturbed(sheet, rng, 0.25, "turn", 0.5, 8)
    sheet = disturbed(sheet, rng, 0.12, "perspective", 3, 20)
    light = str(rng.choice(["shade", "corner-shadow", "vignette"]))
    sheet = disturbed(sheet, rng, 0.3, light, 0.1, 0.7)
    sheet = disturbed(sheet, rng, 0.04, "glare", 0.1, 0.6)
    edge = str(rng.choice(["border", "table-edge"]))
    sheet = disturbed(sheet, rng, 0.2, edge, 1, 8)
    sheet = disturbed(sheet, rng, 0.1, "speckle", 1, 30)
    soft, most = (("blur", 0.18), ("blur", 0.18), ("defocus", 0.3), ("motion", 0.5))[int(rng.integers(4))]
    sheet = disturbed(sheet, rng, 0.45, soft, {"blur": 0.03, "defocus": 0.05, "motion": 0.1}[soft], most)
    sheet = disturbed(sheet, rng, 0.25, "noise", 1, 12)
    kind = rng.random()
    if kind < 0.18:
        return disturbed(sheet, rng, 1, "binary", -0.2, 0.25)
    if kind < 0.22:
        return disturbed(sheet, rng, 1, "binary-local", 2, 10)
    return disturbed(sheet, rng, 0.35, "jpeg", 20, 90)


def composite(fonts, rng):
    """Return a signature, or an empty sheet, among what else may be on a sheet."""
    dpi = float(rng.choice([150, 200, 300], p=[0.6, 0.2, 0.2]))
    sheet = base(rng, dpi)
    plain = rng.random() < 0.2
    empty = not plain and rng.random() < 0.06
    if empty:
        blank = np.full_like(sheet.image, int(rng.integers(215, 255)))
        sheet = replace(sheet, image=blank, layers={"signature": np.zeros(sheet.shape, np.uint8)})
    if rng.random() < 0.3:
        sheet = coloured(sheet)
    if not empty:
        hue = (200, 260) if rng.random() < 0.7 else (0, 360)
        sheet = disturbed(sheet, rng, 0.25, "pen-colour", *hue)
        sheet = disturbed(sheet, rng, 0.45, "ink", 0.16, 1.7)
        sheet = disturbed(sheet, rng, 0.2, "pen-wider", 0.03, 0.35)
        sheet = disturbed(sheet, rng, 0.1, "show-through", 0.05, 0.3)
    sheet = disturbed(sheet, rng, 0.3, "margin", 1, 10)
    sheet = disturbed(sheet, rng, 0.12, "paper-texture", 2, 18)
    sheet = disturbed(sheet, rng, 0.12, "paper-colour", 0.05, 0.35)
    sheet = disturbed(sheet, rng, 0.08, "crease", 0.05, 0.4)
    if plain:
        return optics(sheet, rng)
    sheet = disturbed(sheet, rng, 0.12, "security-print", 0.05, 0.5)
    ruled = ["line", "line-through", "line-broken", "line-dotted", "box", "box-tight", "comb", "ruled", "any"]
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.4, 0.2, 0.1]))):
        name = str(rng.choice(ruled, p=[0.16, 0.1, 0.08, 0.1, 0.12, 0.12, 0.1, 0.08, 0.14]))
        if name == "any":
            sheet = any_line(sheet, rng)
        elif name == "ruled":
            sheet = disturbed(sheet, rng, 1, name, 5, 12)
        elif not empty:
            sheet = disturbed(sheet, rng, 1, name, 0.08, 0.6)
    printed = ["caption", "caption-beside", "caption-overlap", "stamp", "date", "block", "marks"]
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.45, 0.15, 0.1]))):
        name = str(rng.choice(printed, p=[0.12, 0.07, 0.12, 0.3, 0.05, 0.28, 0.06]))
        if name == "block":
            sheet = print_block(sheet, fonts, rng)
        elif name == "marks":
            sheet = marks(sheet, rng)
        elif not empty:
            low, high = {"stamp": (0.2, 1.0), "date": (2.5, 6.0)}.get(name, (5.0, 14.0))
            sheet = disturbed(sheet, rng, 1, name, low, high)
    return optics(sheet, rng)


def document(fonts, rng):
    """Return a made-up document."""
    chances = {"card": 0.08, "specimens": 0.14, "cheque": 0.22, "contract": 0.1, "envelope": 0.1, "form": 0.24}
    known = [kind for kind in kinds("training") if kind in chances] + ["letter"]
    weights = np.array([chances.get(kind, 0.12) for kind in known])
    kind = str(rng.choice(known, p=weights / weights.sum()))
    dpi = float(rng.choice([110, 150, 150, 150, 190]))
    made = make_document(kind, int(rng.integers(1 << 30)), split="training", fonts=fonts, dpi=dpi)
    return optics(made.scan, rng)


def picture(rng):
    """Return what is no writing at all; what is dark counts as print."""
    kind = str(rng.choice(["logo", "portrait", "landscape", "blobs", "stamp", "code", "printed-text"]))
    sheet = not_a_signature(kind, int(rng.integers(1 << 30)), dpi=150.0)
    sheet = disturbed(sheet, rng, 0.3, "blur", 0.03, 0.12)
    flat = _flat(sheet).min(axis=2)
    return replace(sheet, layers={"print": ((flat < 200) * 255).astype(np.uint8)})


def _flat(sheet):
    flat = divide_by(sheet.image, paper_brightness(sheet.image, 2.0))
    return flat if flat.ndim == 3 else np.repeat(flat[..., None], 3, axis=2)


def at_network_scale(sheet, rng):
    """Return the sheet at 150 dpi, or at what a wrong or unknown resolution makes of it."""
    stretch = float(np.exp(rng.uniform(np.log(0.62), np.log(1.5)))) if rng.random() < 0.6 else 1.0
    factor = NETWORK_DPI / sheet.dpi[0] * stretch
    if abs(factor - 1) < 0.02:
        return sheet
    size = max(round(sheet.shape[1] * factor), 8), max(round(sheet.shape[0] * factor), 8)
    image = cv2.resize(sheet.image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    truth = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    layers = {name: cv2.resize(layer, size, interpolation=truth) for name, layer in sheet.layers.items()}
    return Scan(np.asarray(image, np.uint8), sheet.dpi, None, layers)


def labels(sheet, flat):
    """Return what each pixel is; where nothing can be seen there is paper, and ink lies over everything."""
    kind = np.full(sheet.shape, PAPER, np.uint8)
    for name in ("background", "picture", "print"):
        if name in sheet.layers:
            kind[sheet.layers[name] > 90] = PRINT
    if "stamp" in sheet.layers:  # a rubber stamp is full of holes
        closed = cv2.morphologyEx(sheet.layers["stamp"], cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        kind[(closed > 45) & (flat.min(axis=2) < 235)] = PRINT
    if "line" in sheet.layers:
        kind[sheet.layers["line"] > 60] = LINE
    if "edge" in sheet.layers:
        kind[sheet.layers["edge"] > 128] = PAPER
    for name in ("handwriting", "signature"):
        if name in sheet.layers:
            kind[sheet.layers[name] > 100] = INK
    kind[cv2.erode(flat.min(axis=2), np.ones((3, 3), np.uint8)) >= 243] = PAPER
    return kind


def pieces(sheet, rng, many):
    """Yield pieces of the evened sheet and of its truth, most of them with something written."""
    flat = _flat(sheet)
    kind = labels(sheet, flat)
    below, right = max(PIECE[0] - kind.shape[0], 0), max(PIECE[1] - kind.shape[1], 0)
    top, left = int(rng.integers(below + 1)), int(rng.integers(right + 1))
    flat = np.pad(flat, ((top, below - top), (left, right - left), (0, 0)), constant_values=255)
    kind = np.pad(kind, ((top, below - top), (left, right - left)))
    height, width = kind.shape
    inked = np.argwhere(kind[::4, ::4] == INK) * 4
    for _ in range(many if height * width > 1.5 * PIECE[0] * PIECE[1] else 1):
        y, x = int(rng.integers(height - PIECE[0] + 1)), int(rng.integers(width - PIECE[1] + 1))
        if many > 2 and len(inked) and rng.random() < 0.7:
            y, x = inked[int(rng.integers(len(inked)))] - [rng.integers(PIECE[0]), rng.integers(PIECE[1])]
            y, x = int(np.clip(y, 0, height - PIECE[0])), int(np.clip(x, 0, width - PIECE[1]))
        part = slice(y, y + PIECE[0]), slice(x, x + PIECE[1])
        if many <= 2 or (kind[part] > 0).sum() >= 150:
            yield flat[part], kind[part]


def make(arguments):
    """Write ``OUT_x.npy`` [n, 160, 288, 3] and ``OUT_y.npy`` [n, 160, 288], uint8."""
    given = shipped_fonts() + (font_files(arguments.fonts) if arguments.fonts else ())
    fonts = tuple(font for font in given if font.split == "training")
    rng = np.random.default_rng(arguments.seed)
    shape = (arguments.number, *PIECE)
    x = np.lib.format.open_memmap(f"{arguments.out}_x.npy", "w+", np.uint8, (*shape, 3))
    y = np.lib.format.open_memmap(f"{arguments.out}_y.npy", "w+", np.uint8, shape)
    done, start = 0, time.perf_counter()
    while done < arguments.number:
        draw = rng.random()
        if draw < 0.05:
            sheet, many = picture(rng), 2
        elif draw < 0.15:
            sheet, many = document(fonts, rng), 4
        else:
            sheet, many = composite(fonts, rng), 2
        for flat, kind in pieces(at_network_scale(sheet, rng), rng, many):
            if done < arguments.number:
                x[done], y[done] = flat, kind
                done += 1
        if done % 500 < 4:
            print(f"{done} pieces, {time.perf_counter() - start:.0f} s", flush=True)


# The network


def network(channels=(16, 32, 48, 64)):
    """Return the network: an encoder of three halvings and a decoder that adds what is nearer; 194,000 weights."""
    from torch import nn

    def block(inputs, outputs, stride=1, size=3):
        convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(True))

    class InkNetwork(nn.Module):
        def __init__(self):
            super().__init__()
            a, b, c, d = channels
            self.e0 = nn.Sequential(block(3, a, 2, 5), block(a, a))
            self.e1 = nn.Sequential(block(a, b, 2), block(b, b))
            self.e2 = nn.Sequential(block(b, c, 2), block(c, c))
            self.e3 = nn.Sequential(block(c, d, 2), block(d, d), block(d, d))
            self.r2, self.d2 = nn.Conv2d(d, c, 1), block(c, c)
            self.r1, self.d1 = nn.Conv2d(c, b, 1), block(b, b)
            self.r0, self.d0 = nn.Conv2d(b, a, 1), block(a, a)
            self.o, self.ps = nn.Conv2d(a, 4 * 4, 3, 1, 1), nn.PixelShuffle(2)
            self.up = nn.Upsample(scale_factor=2, mode="nearest")

        def forward(self, x):
            a = self.e0(x)
            b = self.e1(a)
            c = self.e2(b)
            c = self.d2(self.up(self.r2(self.e3(c))) + c)
            b = self.d1(self.up(self.r1(c)) + b)
            return self.ps(self.o(self.d0(self.up(self.r0(b)) + a)))

    return InkNetwork()


def as_input(pictures):
    """Return evened pictures [n, h, w, 3] as the network takes them, faint ink as dark as usual."""
    import torch

    dark = 255 - pictures
    result = np.empty(dark.shape, np.float32)
    for number, one in enumerate(dark):
        darkest = one.max(axis=2)
        inked = darkest[darkest >= _VISIBLE]
        gain = np.clip(_USUAL / np.percentile(inked, 90), 1.0, _MOST_GAIN) if inked.size > _FEW else 1.0
        result[number] = one * (gain / _UNIT)
    return torch.from_numpy(result).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def rising_and_falling(share, rise):
    """Return what the learning rate is multiplied by: from 0 to 1 in the first part, then one cosine to 0."""
    return share / rise if share < rise else 0.5 * (1 + np.cos(np.pi * (share - rise) / (1 - rise)))


def follow(mean, model, keep):
    """Move the mean of the last weights towards the model's."""
    import torch

    with torch.no_grad():
        for slow, fast in zip(mean.state_dict().values(), model.state_dict().values(), strict=True):
            if slow.dtype.is_floating_point:
                slow.lerp_(fast, 1 - keep)
            else:
                slow.copy_(fast)


def write_network(model, path, outputs, size, opset):
    """Write the weights (``.pt``), and the network for OpenCV, its batch norms folded into the convolutions."""
    import torch

    torch.save(model.state_dict(), Path(path).with_suffix(".pt"))
    torch.onnx.export(
        model.eval(), torch.zeros(1, 3, *size), str(path), input_names=["picture"], output_names=outputs,
        dynamic_axes={"picture": {2: "height", 3: "width"}}, opset_version=opset, dynamo=False,
    )  # fmt: skip


def train(arguments):
    """Fit the network to the pieces and write it: Adam, one cosine, the mean of the last weights."""
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    sets = [(np.load(f"{out}_x.npy", mmap_mode="r"), np.load(f"{out}_y.npy", mmap_mode="r")) for out in arguments.sets]
    sizes = np.array([len(x) for x, _ in sets], float)
    model = network()
    if arguments.start:
        model.load_state_dict(torch.load(arguments.start, weights_only=True))
    model = model.to(memory_format=torch.channels_last)
    mean = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=1e-3)
    weights = torch.tensor([0.5, 1.0, 1.0, 1.0])
    losses, start = [], time.perf_counter()
    for step in range(arguments.steps):
        for group in optimiser.param_groups:
            group["lr"] = arguments.rate * rising_and_falling(step / arguments.steps, 0.08) + 1e-5
        x, y = _batch(sets, sizes, rng)
        loss = torch.nn.functional.cross_entropy(model(as_input(x)), torch.from_numpy(y), weight=weights)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        follow(mean, model, min(0.995, (step + 1) / (step + 10)))
        if step % 100 == 99:
            print(
                f"{step + 1} steps, {time.perf_counter() - start:.0f} s, loss {np.mean(losses[-100:]):.4f}", flush=True
            )
    write_network(mean, arguments.out, ["kinds"], PIECE, 13)


def _batch(sets, sizes, rng):
    pictures, kinds_of = [], []
    for _ in range(BATCH):
        x, y = sets[int(rng.choice(len(sets), p=sizes / sizes.sum()))]
        number = int(rng.integers(len(x)))
        top, left = (int(rng.integers(whole - part + 1)) for whole, part in zip(PIECE, CROP, strict=True))
        part = slice(top, top + CROP[0]), slice(left, left + CROP[1])
        picture_, kind = np.asarray(x[number][part]), np.asarray(y[number][part])
        if rng.random() < 0.5:
            picture_, kind = picture_[:, ::-1], kind[:, ::-1]
        if rng.random() < 0.3:
            picture_, kind = picture_[::-1], kind[::-1]
        if rng.random() < 0.3:
            picture_ = np.repeat(picture_[..., :1], 3, axis=2)
        if rng.random() < 0.3:
            picture_ = picture_[..., rng.permutation(3)]
        pictures.append(picture_)
        kinds_of.append(kind)
    return np.stack(pictures), np.stack(kinds_of).astype(np.int64)


# How good it is


def measure(arguments):
    """Print for every disturbance the share of ink kept, that of foreign ink in what was kept, and the time."""
    from sigkd.errors import ImageError
    from sigkd.images.scan import read_scan

    cv2.setNumThreads(1)
    sheets = list(_sheets(arguments))
    chains = [None, *(parse_chain(name) for name in arguments.chains or [entry.name for entry in all_disturbances()])]
    print(f"{len(sheets)} signatures\n{'disturbance':24s} kept   <97%  left   >3%   refused  ms")
    for chain in chains:
        results, refused, times = [], 0, []
        for number, sheet in enumerate(sheets):
            changed = chain(sheet, arguments.seed, number) if chain else sheet
            start = time.process_time()
            try:
                found = read_scan(np.ascontiguousarray(changed.image), dpi=changed.tag or changed.dpi)
            except ImageError:
                refused += 1
                continue
            times.append(time.process_time() - start)
            results.append(kept_and_left(found, changed))
        table = np.array(results or [(np.nan, np.nan)])
        few, much = (table[:, 0] < 0.97).sum(), (table[:, 1] > 0.03).sum()
        name = chain.name if chain else "plain"
        line = f"{name:24s} {table[:, 0].mean():.3f} {few:5d} {table[:, 1].mean():6.3f} {much:5d} {refused:7d}"
        print(f"{line} {1000 * float(np.median(times or [0])):6.0f}", flush=True)


def _sheets(arguments):
    """Yield signatures at 300 dpi with their truth: made-up ones, and of the research sets where asked for."""
    for writer in range(arguments.number):
        yield _sheet(signature_image(5000 + writer, 0), 400)
    from sigkd.images.reader import read_image

    root = Path("../shared/data")
    for wanted, pattern, dpi in (
        (arguments.dutch, "sigcomp2011_dutch/[0-9][0-9][0-9]/*_01.png", 400),
        (arguments.nfi, "sigcomp2009_nfi/*/genuine/*01*.png", 600),
    ):
        files = sorted(root.glob(pattern)) if wanted else []
        for file in files[:: max(1, len(files) // max(wanted, 1))][:wanted]:
            yield _sheet(read_image(file), dpi)


def _sheet(image, dpi):
    image = np.asarray(cv2.resize(image, None, fx=300 / dpi, fy=300 / dpi, interpolation=cv2.INTER_AREA), np.uint8)
    level, _ = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return Scan(image, (300.0, 300.0), (300.0, 300.0), {"signature": ((image <= level) * 255).astype(np.uint8)})


def kept_and_left(found, sheet):
    """Return the share of the true ink that was kept, and the share of what was kept that no hand wrote."""
    fx, fy = 300 / sheet.dpi[0], 300 / sheet.dpi[1]
    size = round(sheet.shape[1] * fx), round(sheet.shape[0] * fy)
    truth = cv2.resize(sheet.layers["signature"], size, interpolation=cv2.INTER_LINEAR)
    written = truth
    if "handwriting" in sheet.layers:
        written = np.maximum(truth, cv2.resize(sheet.layers["handwriting"], size, interpolation=cv2.INTER_LINEAR))
    mask = np.zeros(truth.shape, np.uint8)
    top, left = round(found.box[0] * 300 / found.dpi[1]), round(found.box[2] * 300 / found.dpi[0])
    height, width = min(found.ink.shape[0], size[1] - top), min(found.ink.shape[1], size[0] - left)
    mask[top : top + height, left : left + width] = found.ink[:height, :width] < 255
    core = truth > 150
    kept = (core & (cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0)).sum() / max(core.sum(), 1)
    foreign = (mask > 0) & (cv2.dilate((written > 30).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0)
    return float(kept), float(foreign.sum() / max(mask.sum(), 1))


def command_line(about, make, train, *, amount, length, rate, out):
    """Return a parser, what further commands are added to, and the parser of ``train``.

    ``amount`` and ``length`` are an option with its default each: how much is made, how long is trained.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("make")
    making.add_argument("out")
    making.add_argument(amount[0], type=int, default=amount[1])
    making.add_argument("--fonts", nargs="*", type=Path)
    making.set_defaults(run=make)
    training = commands.add_parser("train")
    training.add_argument(length[0], type=type(length[1]), default=length[1])
    training.add_argument("--rate", type=float, default=rate)
    training.add_argument("--start", help="weights (.pt) to go on from")
    training.add_argument("--threads", type=int, default=1)
    training.add_argument("--out", default=out)
    training.set_defaults(run=train)
    for command in (making, training):
        command.add_argument("--seed", type=int, default=0)
    return parser, commands, training


def main():
    """Read the command line."""
    parser, commands, training = command_line(
        __doc__, make, train, amount=("--number", 23_000), length=("--steps", 4700), rate=4e-3,
        out="sigkd/images/ink_network.onnx",
    )  # fmt: skip
    training.add_argument("sets", nargs="+")
    measuring = commands.add_parser("measure")
    measuring.add_argument("--number", type=int, default=10, help="made-up signatures")
    measuring.add_argument("--dutch", type=int, default=0)
    measuring.add_argument("--nfi", type=int, default=0)
    measuring.add_argument("--chains", nargs="*")
    measuring.add_argument("--seed", type=int, default=0)
    measuring.set_defaults(run=measure)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
