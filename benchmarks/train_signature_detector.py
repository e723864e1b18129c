"""Train the network that finds signatures on a page (``sigkd/documents/detector.onnx``).

    python benchmarks/train_signature_detector.py make /tmp/pages --pages 3000 --fonts /usr/share/fonts
    python benchmarks/train_signature_detector.py train /tmp/pages --minutes 25

``make`` draws pages: the layouts for training of ``sigkd.synthesis.documents``, and sheets on which print, lines,
boxes, combs, pictures, stamps, handwriting and signatures lie anywhere, with the training typefaces; as scanners,
copiers, fax machines and telephones see them; it keeps squares of 352 pixels at 75 dpi. Nothing in them is of a real
person.
``train`` fits the network and writes it. ``bench_locate.py`` measures it on held-out layouts and typefaces.
"""

from __future__ import annotations

import copy
import itertools
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from train_ink_network import (
    characters,
    command_line,
    follow,
    optics,
    rising_and_falling,
    scribble,
    straight_strokes,
    write_network,
)

from sigkd.documents.detector import DETECTOR_DPI, STRIDE, evened
from sigkd.synthesis.disturbances import DISTURBANCES, parse_chain
from sigkd.synthesis.disturbances.scan import NUMBERS, PRESENT
from sigkd.synthesis.documents import make_document
from sigkd.synthesis.documents.page import Page
from sigkd.synthesis.documents.pictures import bar_code, logo, portrait
from sigkd.synthesis.documents.specimens import Specimen, made_up_specimen
from sigkd.synthesis.fonts import font_files, shipped_fonts
from sigkd.synthesis.marks import any_figures
from sigkd.synthesis.render import Trace, ink_map
from sigkd.synthesis.writer import random_pen

PIECE, CROP, BATCH = 352, 320, 8
SEED_OF_WRITERS = 91  # another population than the demonstration's and the tests'
KINDS = ("cheque", "letter", "form", "contract", "envelope", "card", "specimens")
CAPTIONS = ("Signature", "Sign here", "Unterschrift", "Signed", "Handtekening", "Firma", "Date, signature", "X")


# Sheets on which anything lies anywhere


def signer(rng, colour, chance=0.9):
    """Return who signs a page: made-up writers, some of whom only scribble."""

    def sign(person):
        if rng.random() > chance:
            return None
        tone = (18, 30, 120) if colour and rng.random() < 0.5 else int(rng.choice([8, 20, 45]))
        if rng.random() < 0.75:
            made = made_up_specimen(int(rng.integers(200_000)), int(rng.integers(6)), seed=SEED_OF_WRITERS)
            return replace(made, tone=tone, dpi=tuple(v * rng.uniform(0.8, 1.25) for v in [made.dpi[0]] * 2))
        strokes = scribble(rng, rng.uniform(30, 90)) if rng.random() < 0.8 else characters(rng, rng.uniform(90, 180))
        if rng.random() < 0.4:
            strokes = straight_strokes(strokes, rng)
        pen = random_pen(rng)
        every = np.vstack([trace.position for trace in strokes])
        size = np.ptp(every, axis=0)
        fit = min(rng.uniform(30, 80) / 25.4 * 400 / size[0], rng.uniform(12, 28) / 25.4 * 400 / size[1])
        low = every.min(axis=0) * fit - 12
        moved = [Trace(trace.position * fit - low, trace.speed) for trace in strokes]
        height, width = (int(v) + 24 for v in (size[1] * fit, size[0] * fit))
        ink = np.asarray(ink_map(moved, pen, (height, width), oversample=1), np.uint8)
        left, top, wide, high = cv2.boundingRect(ink)
        ink = ink[top : top + high, left : left + wide]
        if ink.size < 900:
            return None
        full = max(float(np.percentile(ink[ink > 0], 60)), 30.0)
        return Specimen(ink, cv2.convertScaleAbs(ink, alpha=255 / full), (400.0, 400.0), tone)

    return sign


def anything(page):
    """Fill a sheet row by row, each row in one or several columns, each cell with something."""
    rng = page.rng
    if rng.random() < 0.12:
        page.security_print(0, 0, page.width, page.height)
    side = min(12.0, 0.06 * page.width)
    y = rng.uniform(3, 20) if page.height > 150 else rng.uniform(2, 6)
    while y < page.height - 10:
        columns = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])) if page.width > 120 else int(rng.integers(1, 3))
        cuts = np.sort(np.concatenate([[side, page.width - side], rng.uniform(side, page.width - side, columns - 1)]))
        room = min(
            page.height - y - 2, float(rng.choice([rng.uniform(8, 16), rng.uniform(16, 30), rng.uniform(30, 60)]))
        )
        for left, right in itertools.pairwise(cuts):
            if right - left > 16:
                cell(page, left + 1, y, right - left - 2, room)
        y += room + rng.uniform(0, 6)
    if rng.random() < 0.25:
        page.stamp(rng.uniform(0.1, 0.9) * page.width, rng.uniform(0.1, 0.9) * page.height)


def cell(page, x, y, width, height):
    """Put something into a cell of a sheet."""
    rng = page.rng
    draw = rng.random()
    if draw < 0.2:
        sign(page, x, y, width, height)
    elif draw < 0.42:
        points = rng.uniform(6, 12)
        page.paragraph(x, y + points * 0.4, width, max(1, int(height / (points * 0.46))), points)
    elif draw < 0.5:
        page.text(x, y + 6, page.words(int(width / 3))[: int(width / 2)], rng.uniform(10, 18), font=page.head)
    elif draw < 0.74:
        hand(page, x, y, width, height)
    elif draw < 0.79:
        count = max(2, int(width / 5.5))
        letters = page.name().upper().replace(" ", "")
        page.comb(x, y + 1, count, 5, min(7, height - 2), letters if rng.random() < 0.8 else "")
    elif draw < 0.86:
        kind, size = rng.random(), min(width, height) * rng.uniform(0.5, 1)
        if kind < 0.4:
            page.picture(x, y, *logo(max(page.down(size), 8), rng, page.head))
        elif kind < 0.7:
            page.picture(x, y, bar_code(max(page.down(size * 0.4), 6), max(page.down(size), 8), rng))
        else:
            page.picture(x, y, portrait(max(page.down(size), 16), max(page.down(size * 0.8), 14), rng))
    elif draw < 0.9:
        page.box(x, y, width, height, rng.uniform(0.15, 0.5))
        page.text(x + 1.5, y + 3.5, str(rng.choice(CAPTIONS)), 6)  # an empty place to sign in
    elif draw < 0.94:
        page.line(x, y + height - 1, x + width, y + height - 1, rng.uniform(0.1, 0.4))
        page.text(x, y + height + 2, str(rng.choice(CAPTIONS)), 6.5)
    elif draw < 0.97:
        for row in np.arange(y, y + height, 8):
            page.line(x, row, x + width, row, 0.15)
    else:
        page.shaded(x, y, width, height, int(rng.integers(190, 240)))
        page.text(x + 2, y + height / 2, page.words(int(width / 4)), 8)


def hand(page, x, y, width, height):
    """Write by hand what is no signature: a name, a date, an amount, an address, a note, initials, block letters."""
    rng, size = page.rng, page.rng.uniform(2.8, 6.5)
    page.writer = int(rng.integers(1 << 24))
    step = size * rng.uniform(1.9, 2.6)
    rows = 1 if rng.random() < 0.5 else max(1, int(height / step))
    ruled, framed = rng.random() < 0.4, rng.random() < 0.25
    label = rng.random() < 0.4
    start = page.text(x, y + 5, page.words(6)[:14], 8) + 2 if label else rng.uniform(0, 4)
    if framed:
        page.box(x, y, width, height, rng.uniform(0.15, 0.4))
    if start > width - 12:
        return
    for row in range(rows):
        base = y + step * (row + 0.75)
        if ruled:
            page.line(
                x + start, base + 0.6, x + width, base + 0.6, 0.15, dash=(0.3, 0.9) if rng.random() < 0.4 else None
            )
        kind = rng.random()
        if kind < 0.3:
            text = page.name()
        elif kind < 0.55:
            text = any_figures(rng)
        elif kind < 0.65:
            text = f"{page.words(5)} {rng.integers(1, 200)}"
        elif kind < 0.75:
            text = page.name().upper()
        else:
            text = page.words(int(max(6, (width - start) / size / 0.8)), capital=bool(rng.random() < 0.5))
        page.write(x + start, base, text, size, room=max(width - start - 2, 10))


def sign(page, x, y, width, height):
    """Let somebody sign, as people do on forms: on lines, in boxes, with captions, dates, names, titles, stamps."""
    rng = page.rng
    date = width > 70 and rng.random() < 0.35
    if date:
        page.write(x + 1, y + 0.8 * height, any_figures(rng), rng.uniform(3, 5), room=24)
        if rng.random() < 0.5:
            page.line(x, y + 0.83 * height, x + 26, y + 0.83 * height, 0.2)
        x, width = x + 29, width - 29
    style = rng.random()
    lower = y + height
    if style < 0.45:
        page.line(
            x, lower - 4, x + width, lower - 4, rng.uniform(0.1, 0.4), dash=(0.3, 0.9) if rng.random() < 0.3 else None
        )
        page.sign_here(x, y, width, height - 4, person=None)
    elif style < 0.75:
        page.box(x, y, width, height, rng.uniform(0.15, 0.5))
        page.sign_here(x + 1, y + 1, width - 2, height - 2, on_line=False)
    else:
        page.sign_here(x, y, width, height - 3, on_line=bool(rng.random() < 0.5))
    if rng.random() < 0.6:
        text = str(rng.choice(CAPTIONS)) if rng.random() < 0.5 else page.name()
        page.text(x + rng.uniform(0, 0.4) * width, lower - (0.3 if style < 0.45 else -3), text, rng.uniform(6, 10))
    if rng.random() < 0.15:
        page.write(x + 2, lower + 4, page.name(), 3.5, room=width)
    if rng.random() < 0.12:
        page.stamp(x + rng.uniform(0, 1) * width, y + rng.uniform(0, 1) * height)


def sheet(fonts, rng, dpi):
    """Return a page of anything."""
    size = [(210, 297), (210, 297), (297, 210), (148, 210), (150, 72), (210, 105), (86, 54), (229, 162)]
    width, height = size[int(rng.integers(len(size)))]
    colour = bool(rng.random() < 0.5)
    page = Page(
        width, height, dpi, rng, signer(rng, colour), colour, "training",
        writer=int(rng.integers(1 << 24)), fonts=fonts,
    )  # fmt: skip
    anything(page)
    return page.scan()


def disturbed(scan, rng):
    """Return a page as it arrives."""
    draw = rng.random()
    seed = int(rng.integers(1 << 30))
    if draw < 0.2:
        return scan
    if draw < 0.32:
        return parse_chain("page-photo")(scan, seed)
    if draw < 0.42:
        return parse_chain("fax")(scan, seed)
    if draw < 0.5:
        return parse_chain("photocopy")(scan, seed)
    if draw < 0.6:
        level = float(rng.uniform(0.16, 0.7))
        scan = DISTURBANCES.get("ink")(scan, level, rng) if "signature" in scan.layers else scan
    return optics(scan, rng)


def page_of(fonts, rng):
    """Return a page at about the detector's resolution: its evened picture [H, W, 3] and signatures' numbers [H, W]."""
    dpi = float(rng.choice([90, 130, 180], p=[0.4, 0.4, 0.2]))
    if rng.random() < 0.45:
        kind = str(rng.choice(KINDS, p=[0.2, 0.12, 0.2, 0.16, 0.12, 0.1, 0.1]))
        made = make_document(kind, int(rng.integers(1 << 30)), split="training", fonts=fonts, dpi=dpi).scan
    else:
        made = sheet(fonts, rng, dpi)
    made = disturbed(made, rng)
    stretch = 1.0 if rng.random() < 0.5 else float(np.exp(rng.uniform(np.log(0.65), np.log(1.5))))
    size = tuple(max(round(made.shape[1 - n] * DETECTOR_DPI / made.dpi[n] * stretch), 16) for n in (0, 1))
    picture = cv2.resize(made.image, size, interpolation=cv2.INTER_AREA)
    numbers = made.layers.get(NUMBERS, np.zeros(made.shape, np.uint8))
    ink = np.where(made.layers.get("signature", numbers) > PRESENT, numbers, 0).astype(np.uint8)
    flat = evened(picture)
    flat = flat if flat.ndim == 3 else np.repeat(flat[..., None], 3, axis=2)
    small = np.zeros((size[1], size[0]), np.uint8)
    for number in np.unique(ink)[1:]:
        part = cv2.resize(((ink == number) * 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 40
        if part.any() and np.percentile(flat.min(axis=2)[part], 30) < 240:  # what cannot be seen is not there
            small[part] = number
    return flat, small


def make(arguments):
    """Write ``OUT_x.npy`` [n, 352, 352, 3] and ``OUT_y.npy`` [n, 352, 352], uint8."""
    cv2.setNumThreads(1)
    given = shipped_fonts() + (font_files(arguments.fonts) if arguments.fonts else ())
    fonts = tuple(font for font in given if font.split == "training")
    rng, most = np.random.default_rng(arguments.seed), 3 * arguments.pages
    x = np.lib.format.open_memmap(f"{arguments.out}_x.npy", "w+", np.uint8, (most, PIECE, PIECE, 3))
    y = np.lib.format.open_memmap(f"{arguments.out}_y.npy", "w+", np.uint8, (most, PIECE, PIECE))
    count, start = 0, time.perf_counter()
    for number in range(arguments.pages):
        flat, ink = page_of(fonts, rng)
        height, width = ink.shape
        many = min(3, 1 + int(height * width / PIECE**2))
        signed = np.argwhere(ink > 0)
        for _ in range(many):
            if len(signed) and rng.random() < 0.75:
                middle = signed[int(rng.integers(len(signed)))] - rng.integers(0, PIECE, 2)
            else:
                middle = rng.integers(
                    -PIECE // 3, [max(height - PIECE, 0) + PIECE // 3, max(width - PIECE, 0) + PIECE // 3]
                )
            top = int(np.clip(middle[0], min(0, height - PIECE), max(height - PIECE, 0)))
            left = int(np.clip(middle[1], min(0, width - PIECE), max(width - PIECE, 0)))
            rows, columns = slice(max(top, 0), top + PIECE), slice(max(left, 0), left + PIECE)
            part, truth = flat[rows, columns], ink[rows, columns]
            x[count] = 255
            at = slice(max(-top, 0), max(-top, 0) + len(part)), slice(max(-left, 0), max(-left, 0) + part.shape[1])
            x[count][at], y[count][at] = part, truth
            count += 1
        if number % 100 == 99:
            Path(f"{arguments.out}_n.txt").write_text(str(count), encoding="utf-8")
            print(f"{number + 1} pages, {count} pieces, {time.perf_counter() - start:.0f} s", flush=True)
    Path(f"{arguments.out}_n.txt").write_text(str(count), encoding="utf-8")


# The network


def network(channels=(16, 24, 40, 64)):
    """Return the network: four halvings, what is far at the smallest, and a way back up for the strokes."""
    from torch import nn

    def block(inputs, outputs, stride=1, size=3, reach=1):
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, size, stride, size // 2 * reach, dilation=reach, bias=False),
            nn.BatchNorm2d(outputs), nn.ReLU(True),
        )  # fmt: skip

    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            a, b, c, d = channels
            self.e0 = block(3, a, 2, 5)
            self.e1 = nn.Sequential(block(a, b, 2), block(b, b))
            self.e2 = nn.Sequential(block(b, c, 2), block(c, c), block(c, c))
            self.e3 = nn.Sequential(
                block(c, d, 2), block(d, d), block(d, d, reach=2), block(d, d, reach=4), block(d, d)
            )
            self.up = nn.Upsample(scale_factor=2, mode="nearest")
            self.r2, self.d2 = nn.Conv2d(d, c, 1), nn.Sequential(block(c, c), block(c, c))
            self.r1, self.d1 = nn.Conv2d(c, b, 1), block(b, b)
            self.r0, self.d0 = nn.Conv2d(b, a, 1), block(a, a)
            self.cells = nn.Conv2d(c, 1 + 4, 1)  # score, which way is up
            self.strokes = nn.Conv2d(a, 1, 1)
            nn.init.constant_(self.cells.bias[:1], -4.0)
            nn.init.constant_(self.strokes.bias, -3.0)

        def forward(self, x):
            a = self.e0(x)
            b = self.e1(a)
            c = self.e2(b)
            c = self.d2(self.up(self.r2(self.e3(c))) + c)
            cells = self.cells(c)
            b = self.d1(self.up(self.r1(c)) + b)
            return cells, self.strokes(self.d0(self.up(self.r0(b)) + a))

    return Detector()


def targets(ink):
    """Return, of numbered signatures [h, w], the score's target: 1 in their cores, -1 around them (do not care)."""
    height, width = ink.shape[0] // STRIDE, ink.shape[1] // STRIDE
    score = np.zeros((height, width), np.float32)
    middle_y, middle_x = (np.arange(n) * STRIDE + STRIDE / 2 for n in (height, width))
    boxes = []
    for number in np.unique(ink)[1:]:
        left, top, wide, high = cv2.boundingRect((ink == number).astype(np.uint8))
        if wide * high >= 40:
            boxes.append((wide * high, left, top, left + wide, top + high))
    nearest = np.full((height, width), np.inf, np.float32)
    for _, left, top, right, bottom in sorted(boxes, reverse=True):
        dx = (middle_x - (left + right) / 2) / max(right - left, 2 * STRIDE)
        dy = (middle_y - (top + bottom) / 2) / max(bottom - top, 2 * STRIDE)
        far = np.maximum(np.abs(dx)[None, :], np.abs(dy)[:, None])
        around, core = (far <= 0.42) & (score != 1), (far <= 0.3) & (far < nearest)
        score[around] = -1
        score[core] = 1
        nearest[core] = far[core]
    return score


def batch(x, y, count, rng):
    """Return pictures, scores, strokes, their weights and turns of a batch."""
    parts = []
    for _ in range(BATCH):
        number = int(rng.integers(count))
        top, left = (int(v) for v in rng.integers(0, PIECE - CROP + 1, 2))
        picture, ink = (np.asarray(v[number][top : top + CROP, left : left + CROP]) for v in (x, y))
        turn = int(rng.choice([0, 1, 2, 3], p=[0.4, 0.2, 0.2, 0.2]))
        picture, ink = np.rot90(picture, turn).copy(), np.rot90(ink, turn).copy()
        if rng.random() < 0.3:
            picture = np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
        elif rng.random() < 0.4:
            picture = picture[..., rng.permutation(3)]
        if rng.random() < 0.2:
            picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 0.9)))
        if rng.random() < 0.3:  # paler or darker altogether
            picture = 255 - np.clip((255.0 - picture) * rng.uniform(0.6, 1.5), 0, 255).astype(np.uint8)
        score = targets(ink)
        strokes = cv2.resize(((ink > 0) * 255).astype(np.uint8), (CROP // 2, CROP // 2), interpolation=cv2.INTER_AREA)
        dark = cv2.resize(
            (picture.min(axis=2) < 215).astype(np.uint8) * 255, (CROP // 2, CROP // 2), interpolation=cv2.INTER_AREA
        )
        weight = np.where(strokes > 60, 3.0, np.where(dark > 60, 1.0, 0.15)).astype(np.float32)
        inked = cv2.resize(dark, (CROP // STRIDE, CROP // STRIDE), interpolation=cv2.INTER_AREA) > 8
        parts.append((picture, score, (strokes > 60).astype(np.float32), weight, np.where(inked, turn, -1)))
    return [np.stack(each) for each in zip(*parts, strict=True)]


def loss_of(output, score, strokes, weight, turn):
    """Return the sum of three losses: focal loss of scores, cross entropies of strokes and of which way is up."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    cells, drawn = output
    logit, care = cells[:, 0], score >= 0
    chance = torch.sigmoid(logit)
    is_one = score == 1
    each = F.binary_cross_entropy_with_logits(logit, is_one.float(), reduction="none")
    focal = torch.where(is_one, 0.75 * (1 - chance) ** 2, 0.35 * chance**2) * each
    found = (focal * care).sum() / is_one.sum().clamp(min=20)
    pen = (F.binary_cross_entropy_with_logits(drawn[:, 0], strokes, reduction="none") * weight).sum() / weight.sum()
    way = F.cross_entropy(cells[:, 1:], turn, ignore_index=-1) if (turn >= 0).any() else cells.sum() * 0
    return 4 * found + 3 * pen + 0.4 * way, (found, pen, way)


def train(arguments):
    """Fit the network for some minutes and write it: AdamW, one cosine over the time, the mean of the last weights."""
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    x, y = (np.load(f"{arguments.set}_{name}.npy", mmap_mode="r") for name in "xy")
    model = network()
    if arguments.start:
        model.load_state_dict(torch.load(arguments.start, weights_only=True))
    model = model.to(memory_format=torch.channels_last)
    mean = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=1e-3)
    kept, step, start = [], 0, time.perf_counter()
    while (share := (time.perf_counter() - start) / (60 * arguments.minutes)) < 1:
        count = int(Path(f"{arguments.set}_n.txt").read_text(encoding="utf-8"))  # more may have been made meanwhile
        for group in optimiser.param_groups:
            group["lr"] = arguments.rate * rising_and_falling(share, 0.05) + 1e-5
        picture, *truth = batch(x, y, count, rng)
        entry = torch.from_numpy((255 - picture).astype(np.float32) / 128).permute(0, 3, 1, 2)
        entry = entry.contiguous(memory_format=torch.channels_last)
        loss, terms = loss_of(model(entry), *map(torch.from_numpy, truth))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        step += 1
        kept.append([float(term.detach()) for term in terms])
        follow(mean, model, min(0.99, (step + 1) / (step + 10)))
        if step % 50 == 0:
            terms = " ".join(f"{value:.4f}" for value in np.mean(kept[-50:], axis=0))
            print(f"{step} steps, {time.perf_counter() - start:.0f} s, {count} pieces: {terms}", flush=True)
        if step % 400 == 0:
            write_network(mean, arguments.out, ["cells", "strokes"], (128, 160), 17)
    write_network(mean, arguments.out, ["cells", "strokes"], (128, 160), 17)


def main():
    """Read the command line."""
    parser, _, training = command_line(
        __doc__, make, train, amount=("--pages", 3000), length=("--minutes", 25.0), rate=3e-3,
        out="sigkd/documents/detector.onnx",
    )  # fmt: skip
    training.add_argument("set")
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
