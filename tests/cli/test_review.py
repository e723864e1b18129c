"""``sigkd review`` as a user calls it, and pictures in a terminal."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from sigkd.cli import terminal_pictures
from sigkd.cli.terminal_pictures import protocol, show_picture
from tests.verification.conftest import write_scan


@pytest.fixture
def place(views_verifier, tmp_path):
    """Options of a gallery in which two answers wait for a person."""
    from sigkd import Verifier
    from sigkd.synthesis import signature_image
    from sigkd.verification.policy import Policy, bind_policy

    signatures = [write_scan(tmp_path / f"{number}.png", signature_image(3, number)) for number in range(5)]
    path = tmp_path / "policy.toml"
    path.write_text(Policy(name="all", review_accepted=1.0, review_rejected=1.0).to_toml())
    with Verifier(views_verifier.choices, gallery=tmp_path / "g.db") as verifier:
        verifier.enroll("anna", signatures[:3], keep_images=True)
        bind_policy(verifier.gallery, path)
    with Verifier(views_verifier.choices, gallery=tmp_path / "g.db") as verifier:
        verifier.verify_many("anna", signatures[3:])
    return ["--gallery", tmp_path / "g.db"]


def test_a_review_from_the_list_to_the_decision(run_sigkd, place, tmp_path) -> None:
    listed = run_sigkd("review", "list", *place, "--json", expect=0).json
    assert listed["total"] == 2 and [one["writer"] for one in listed["reviews"]] == ["anna", "anna"]
    first, second = (one["entry"] for one in listed["reviews"])
    assert run_sigkd("review", "list", *place, "--limit", "1", "--offset", "1", expect=0).stdout.count("anna") == 1
    shown = run_sigkd("review", "show", first, *place, "--out", tmp_path / "r.png", expect=0)
    assert "seen" in shown.stdout and "picture: " in shown.stderr and (tmp_path / "r.png").stat().st_size > 10000
    assert "references" in run_sigkd("review", "show", first, *place, "--json", expect=0).json
    said = ["--reason", "same slant", "--by", "Eve"]
    done = run_sigkd("review", "decide", first, "--outcome", "genuine", *said, *place, expect=0)
    assert "decided: genuine" in done.stdout
    refused = run_sigkd("review", "decide", first, "--outcome", "forgery", *said, *place, expect=4)
    seen = re.search(r"--seen (\d+)", refused.stderr)[1]
    again = run_sigkd("review", "decide", first, "--outcome", "forgery", *said, "--seen", seen, *place, "--json")
    assert again.json["review"]["outcome"] == "forgery" and len(again.json["review"]["opinions"]) == 2
    assert run_sigkd("review", "list", *place, "--json", expect=0).json["total"] == 1
    assert run_sigkd("review", "list", *place, "--standing", "decided", "--json").json["reviews"][0]["entry"] == first
    assert run_sigkd("review", "list", *place, "--standing", "all", "--json").json["total"] == 2
    assert "Did you mean 'disputed'" in run_sigkd("review", "list", *place, "--standing", "dispute", expect=2).stderr
    assert "is no verification" in run_sigkd("review", "show", 1, *place, expect=2).stderr
    run_sigkd("review", "show", second, *place, "--out", tmp_path / "r.gif", expect=2)
    assert "review" in run_sigkd("gallery", "log", *place, expect=0).stdout


def _picture() -> Image.Image:
    pixels = np.full((45, 70, 3), 255, np.uint8)
    pixels[10:30, 20:60] = (200, 80, 0)
    pixels[25:40, 5:30] = (0, 0, 0)
    return Image.fromarray(pixels)


def test_kitty_and_iterm2_get_the_picture_itself(capsys) -> None:
    show_picture(_picture(), "kitty")
    out = capsys.readouterr().out
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", out)
    assert pieces[0][0].startswith("a=T,f=100,") and pieces[-1][0].endswith("m=0")
    show_picture(_picture(), "iterm2")
    inline = re.search(r"\x1b\]1337;File=inline=1;size=(\d+):([^\x07]*)\x07", capsys.readouterr().out)
    for content in ("".join(piece for _, piece in pieces), inline[2]):
        with Image.open(io.BytesIO(base64.b64decode(content))) as found:
            assert np.array_equal(np.asarray(found), np.asarray(_picture()))


def test_kitty_gets_long_pictures_in_pieces(monkeypatch, capsys) -> None:
    monkeypatch.setattr(terminal_pictures, "_CHUNK", 64)
    show_picture(_picture(), "kitty")
    heads = re.findall(r"\x1b_G([^;]*);", capsys.readouterr().out)
    assert len(heads) > 2 and heads[0] == "a=T,f=100,m=1" and set(heads[1:-1]) == {"m=1"} and heads[-1] == "m=0"


def _of_sixels(text: str) -> np.ndarray:
    """Read sixel graphics as a terminal does."""
    body = re.fullmatch(r"\x1bP[\d;]*q(.*)\x1b\\", text, re.DOTALL)[1]
    width, height = map(int, re.match(r'"1;1;(\d+);(\d+)', body).groups())
    canvas, colours = np.zeros((height + 6, width, 3)), {}
    row = column = current = 0
    for token in re.findall(r"#[\d;]+|!\d+.|[?-~]|[$-]", body.split(";", 3)[3].lstrip("0123456789")):
        if token.startswith("#"):
            current, *levels = map(int, token[1:].split(";"))
            if levels:
                colours[current] = np.array(levels[1:]) * 2.55
        elif token == "$":
            column = 0
        elif token == "-":
            row, column = row + 6, 0
        else:
            count = int(token[1:-1]) if token.startswith("!") else 1
            for bit in range(6):
                if (ord(token[-1]) - 63) >> bit & 1:
                    canvas[row + bit, column : column + count] = colours[current]
            column += count
    return canvas[:height]


def test_sixels_are_the_picture(capsys) -> None:
    show_picture(_picture(), "sixel")
    found = _of_sixels(capsys.readouterr().out.rstrip("\n"))
    assert np.abs(found - np.asarray(_picture())).max() < 4


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, None),
    ],
)
def test_what_a_terminal_shows(environment, expected, monkeypatch) -> None:
    assert terminal_pictures._told(environment) == expected
    monkeypatch.setattr(terminal_pictures.os, "environ", environment)
    assert protocol() is None  # not a terminal
    assert protocol("sixel") == "sixel" and protocol("none") is None
