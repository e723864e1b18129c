"""The README tells the truth: its runnable blocks run, its links lead somewhere, its commands exist; so do the guides'.

A ``bash`` block is runnable if the line before it is ``<!-- runnable -->``; the blocks run in order in one directory.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
DECISION_CODES = {0, 1, 3}

text = README.read_text(encoding="utf-8") if README.exists() else ""
BLOCK = re.compile(
    r"^(?P<mark><!-- runnable -->\n)?```(?:bash|sh|console)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)


def lines(body):
    """The commands of a block: continued lines joined, comments dropped."""
    for line in body.replace("\\\n", " ").splitlines():
        command = re.sub(r"(^|\s)#.*$", "", line).strip()
        if command:
            yield command


def every_command():
    for block in BLOCK.finditer(text):
        for command in lines(block["body"]):
            yield bool(block["mark"]), command


def test_there_is_a_readme_with_runnable_blocks():
    assert sum(mark for mark, _ in every_command()) >= 3


@pytest.mark.slow
def test_runnable_blocks_run(tmp_path):
    program = tmp_path / "bin" / "sigkd"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m sigkd "$@"\n')
    program.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "SIGKD_DATA": str(tmp_path / "data"),
        "SIGKD_CACHE": str(tmp_path / "cache"),
    }
    for mark, command in every_command():
        if not mark:
            continue
        run = subprocess.run(
            ["bash", "-c", command], cwd=work, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        accepted = DECISION_CODES if command.startswith("sigkd verify") else {0}
        assert run.returncode in accepted, f"$ {command}\nexit {run.returncode}\n{run.stdout}\n{run.stderr}"
        assert "Traceback" not in run.stderr, f"$ {command}\n{run.stderr}"


PAGES = {
    path.relative_to(REPOSITORY).as_posix(): path
    for pattern in ("README.md", "CONTRIBUTING.md", "docs/*.md", "docs/guides/*.md")
    for path in sorted(REPOSITORY.glob(pattern))
}
INDENTED = re.compile(r"^ *```(?:bash|sh|console)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)


def typed(page):
    """Every command line of a page; in a block with prompts the other lines are what the commands print."""
    for block in INDENTED.finditer(page.read_text(encoding="utf-8")):
        body = block["body"].replace("\\\n", " ")
        prompted = re.findall(r"^ *\$ (.*)$", body, re.MULTILINE)
        yield from lines("\n".join(prompted) if prompted else body)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_line_names_commands_and_options_that_exist(name):
    from sigkd.cli.app import command_line

    root = command_line()
    for command in typed(PAGES[name]):
        words = shlex.split(re.split(r"[|;&>]", command)[0])
        if words and words[0] == "make":
            makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
            assert all(
                re.search(rf"^{re.escape(word)}:", makefile, re.MULTILINE) for word in words[1:] if "=" not in word
            )
        if len(words) > 1 and re.fullmatch(r"python[0-9.]*", words[0]) and words[1].endswith(".py"):
            assert (REPOSITORY / words[1]).is_file(), command
        if not words or words[0] != "sigkd":
            continue
        current = root
        rest = words[1:]
        while rest and rest[0] in (getattr(current, "commands", None) or {}):
            current = current.commands[rest.pop(0)]
        assert current is not root or not rest or rest[0].startswith("-"), f"no such command: {command}"
        known = {given for param in current.params for given in [*param.opts, *param.secondary_opts]} | {"--help", "-h"}
        unknown = {word.split("=")[0] for word in rest if word.startswith("--") and word != "--"} - known
        assert not unknown, f"{command}: {unknown}"


def test_links_lead_to_files_of_the_repository():
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (REPOSITORY / target).exists(), target
