"""``sigkd case``: a case file to fill in."""

from __future__ import annotations

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.output import say


@app.command(cls=SigkdCommand)
def case() -> None:
    """Print a case file to fill in: what a report says beside the comparison (``sigkd verify --case``).

    Example: sigkd case > case.toml
    """
    from sigkd.verification.report.case_file import TEMPLATE

    say(TEMPLATE.read_text(encoding="utf-8").rstrip())
