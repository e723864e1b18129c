import os
from pathlib import Path

import pytest

import sigkd.demo as demo
from sigkd.errors import ExitCode

TINY = demo.Extent(
    writers=3,
    genuine=8,
    skilled=2,
    text_writers=2,
    pages=1,
    lines=4,
    references=(2,),
    splits=1,
    cohort=12,
    crops=48,
    epochs=1,
)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(demo, "QUICK", TINY)


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_data_only_makes_data_and_nothing_else(run_sigkd, tmp_path, tiny):
    outcome = run_sigkd("demo", "--data-only", tmp_path / "made", "--quick", "--json", expect=0)
    assert outcome.json["genuine"] == 24 and outcome.json["page_count"] == 2
    made = files(tmp_path / "made")
    assert made[:3] == ["pages/001/page_1.png", "pages/002/page_1.png", "signatures/001/forged/01.png"]
    assert len(made) == 2 + 3 * 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made"]


def test_data_are_the_same_each_time(run_sigkd, tmp_path, tiny):
    for name in ("a", "b"):
        run_sigkd("demo", "--data-only", tmp_path / name, "--quick", expect=0)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    for name in files(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def made(out: Path) -> demo.MadeUpData:
    counts = dict.fromkeys(("writers", "genuine", "skilled", "page_count", "page_writers"), 1)
    return demo.MadeUpData(signatures=out / "signatures", pages=out / "pages", **counts)


def test_random_weights_are_named_on_every_command_line(tmp_path):
    """Without a shipped network the demo says 'resnet18:random'; with one no --model and no cohort are needed."""
    bare = demo.demo_steps(made(tmp_path), tmp_path, TINY)
    for step in bare:
        if step.command[0] in ("verify", "evaluate", "cohort", "enroll"):
            assert "resnet18:random" in step.command
    shipped = demo.demo_steps(made(tmp_path), tmp_path, TINY, student="ours", teacher="expert")
    verify = [step for step in shipped if step.command[0] == "verify"]
    assert verify and not any("--model" in step.command for step in verify)
    assert "cohort" not in {step.command[0] for step in shipped}
    assert "expert" in shipped[-1].command


def test_steps_are_shown_as_one_types_them(tmp_path):
    steps = demo.demo_steps(made(Path("out")), Path("out"), TINY)
    genuine, *_ = (str(step) for step in steps if step.command[0] == "verify")
    assert genuine.startswith("sigkd verify out/signatures/003/genuine/0[1-5].png out/signatures/003/genuine/07.png")
    assert str(steps[0]) == "sigkd preprocess out/signatures --dataset folder --name demo --preview out/sheet.png"


def test_a_later_demo_overwrites_no_run(tmp_path):
    (tmp_path / "data" / "runs" / "demo").mkdir(parents=True)
    (tmp_path / "data" / "runs" / "demo-2").mkdir()
    assert demo.demo_steps(made(tmp_path), tmp_path, TINY)[-1].command[-1] == "demo-3"


@pytest.mark.slow
def test_demo_runs_the_whole_pipeline(run_sigkd, tmp_path, tiny):
    before = dict(os.environ)
    outcome = run_sigkd("demo", "--quick", "--out", tmp_path / "out", "--json", expect=0)
    assert {name: os.environ.get(name) for name in before} == before
    document = outcome.json
    commands = [step["command"][1] for step in document["steps"]]
    assert commands[:2] == ["preprocess", "evaluate"] and commands.count("verify") == 3
    assert {"prepare-text", "distill"} <= set(commands)
    for step in document["steps"]:
        assert step["exit_code"] in demo.DECISIONS and step["result"], step["title"]
    assert {"sheet.png", "text.png"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"], "the user's own data directory stays untouched"


def test_a_failing_step_stops_the_demo_with_its_exit_code(run_sigkd, tmp_path, tiny, monkeypatch):
    broken = demo.Step(
        "Fail", "", ("extract", str(tmp_path / "nothing.png"), "--out", "x.npz", "--model", "resnet18:random")
    )
    monkeypatch.setattr(demo, "demo_steps", lambda *args, **options: [broken])
    outcome = run_sigkd("demo", "--quick", "--out", tmp_path / "out")
    assert outcome.exit_code == ExitCode.INPUT
    assert "error: " in outcome.stderr and "the demo stops here" in outcome.stderr
