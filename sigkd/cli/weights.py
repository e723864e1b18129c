"""``sigkd weights``: the published models and the cache that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import group
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import CacheDir, Json
from sigkd.cli.output import Table, show

if TYPE_CHECKING:
    from sigkd.models.weights import CheckedWeights, WeightsBrought, WeightsInfo, WeightsList, WeightsVerification

weights = group("weights", "List, download, import, verify and remove published model weights.")

Name = Annotated[str, typer.Argument(help="A model's name ('sigkd weights list').")]
Names = Annotated[list[str], typer.Argument(help="Models' names ('sigkd weights list').")]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust-first-use",
        help="Accept a file whose hash is not known beforehand, and remember its hash from then on.",
    ),
]


@weights.command("list", cls=SigkdCommand)
def list_(cache_dir: CacheDir = None, json: Json = False) -> None:
    """List every known model: what it is, whether it is here, and how its file is recognised."""
    from sigkd.models.weights import known_weights

    show(known_weights(cache_dir), json, _list_table)


def _list_table(document: WeightsList) -> Table:
    table = Table()
    for column in ("name", "what", "architecture", "status", "MB", "recognised by", "licence"):
        table.add_column(column, no_wrap=column in ("name", "status"), justify="right" if column == "MB" else "left")
    for one in document.weights:
        size = "" if one.size is None else f"{one.size / 1e6:.1f}"
        table.add_row(one.name, one.title, one.architecture, one.status, size, one.identity, one.licence)
    return table


@weights.command(cls=SigkdCommand)
def pull(
    names: Names,
    url: Annotated[
        list[str] | None, typer.Option(help="Sources to use instead of the known ones (a mirror), tried in this order.")
    ] = None,
    trust_first_use: Trust = False,
    retries: Annotated[int, typer.Option(help="Further attempts at each source.", min=0)] = 4,
    cache_dir: CacheDir = None,
    json: Json = False,
) -> None:
    """Download weights into the cache; a file that is not the published one is refused.

    Example: sigkd weights pull signet
    """
    from sigkd.cli.progress import console_progress
    from sigkd.models.weights import pull_weights

    done = pull_weights(
        names,
        cache_dir,
        urls=url or [],
        trust=trust_first_use,
        retries=retries,
        progress=console_progress(),
    )
    show(done, json, _brought)


def _brought(document: WeightsBrought) -> str:
    lines = []
    for one in document.weights:
        how = f"downloaded from {one.record.source}" if one.downloaded else "was there already"
        lines.append(f"{one.path}: {how}; recognised by {one.record.recognised_by}")
    return "\n".join(lines)


@weights.command(cls=SigkdCommand)
def add(
    name: Name,
    file: Annotated[Path, typer.Argument(help="The file that you have got by other means; it is copied.")],
    trust_first_use: Trust = False,
    cache_dir: CacheDir = None,
    json: Json = False,
) -> None:
    """Import a file that was fetched by hand, if it is the published one.

    Example: sigkd weights add signet ~/Downloads/signet.pth
    """
    from sigkd.models.weights import add_weights

    show(add_weights(name, file, cache_dir, trust=trust_first_use), json, _brought)


@weights.command(cls=SigkdCommand)
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models' names; none: every one that is here.", show_default=False)
    ] = None,
    cache_dir: CacheDir = None,
    json: Json = False,
) -> None:
    """Check files: compare hashes, load, compute feature fingerprints; exit 5 if one is not right.

    Example: sigkd weights verify
    """
    from sigkd.errors import ModelError
    from sigkd.models.weights import verify_weights

    document = verify_weights(names or [], cache_dir)
    show(document, json, _verdicts)
    if bad := [one.error or one.name for one in document.weights if not one.ok]:
        raise ModelError("; ".join(bad))


def _verdicts(document: WeightsVerification) -> str:
    return "\n".join(map(_verdict, document.weights)) or "nothing to verify: no weights are here ('sigkd weights list')"


def _verdict(one: CheckedWeights) -> str:
    if not one.ok:
        return f"{one.name}: NOT RIGHT"
    numbers = " ".join(f"{value:.4g}" for value in (one.fingerprint or [])[:4])
    compared = "" if one.distance is None else f", as expected (off by {one.distance:.1e})"
    return f"{one.name}: right by {one.recognised_by}; loads; fingerprint {numbers} ...{compared}"


@weights.command(cls=SigkdCommand)
def path(name: Name, cache_dir: CacheDir = None, json: Json = False) -> None:
    """Print where the file of a model is, after checking it; exit 5 if it is not there.

    Example: cp "$(sigkd weights path signet)" /media/stick
    """
    from sigkd.models.weights import WeightsPath, weight_path

    found = weight_path(name, cache_dir)
    show(WeightsPath(name=name, path=found), json, str(found))


@weights.command(cls=SigkdCommand)
def remove(
    names: Names,
    forget: Annotated[bool, typer.Option("--forget", help="Forget a hash that was trusted at first use, too.")] = False,
    cache_dir: CacheDir = None,
    json: Json = False,
) -> None:
    """Remove weights and what is left of broken downloads from the cache.

    Example: sigkd weights remove signet
    """
    from sigkd.models.weights import remove_weights

    document = remove_weights(names, cache_dir, forget=forget)
    lines = [
        f"{name}: {size / 1e6:.1f} MB freed" if size else f"{name}: nothing was there"
        for name, size in document.freed.items()
    ]
    show(document, json, "\n".join(lines))


@weights.command(cls=SigkdCommand)
def info(name: Name, cache_dir: CacheDir = None, json: Json = False) -> None:
    """Show the card of a model: source, hash, licence, paper, and the state of its file.

    Example: sigkd weights info signet
    """
    from sigkd.models.weights import weight_info

    show(weight_info(name, cache_dir), json, _card_table)


def _card_table(info: WeightsInfo) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    facts = info.to_json()
    for key, value in (facts.pop("card") | facts).items():
        if value in (None, [], "") or isinstance(value, bool) or key in ("format", "version"):
            continue
        if key == "urls":
            text = "\n".join(value)
        elif isinstance(value, dict):
            text = "\n".join(f"{inner}: {content}" for inner, content in value.items() if inner != "fingerprint")
        else:
            text = "x".join(map(str, value)) if key == "canvas" else str(value)
        table.add_row(key.replace("_", " "), text)
    return table
