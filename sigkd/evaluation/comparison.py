"""From results files to comparisons: what ``sigkd stats`` computes, and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sigkd.errors import InputError
from sigkd.evaluation.results import DatasetFacts, Result, Results
from sigkd.evaluation.significance import Comparison, Tested, compare, incompatibility
from sigkd.evaluation.tables import TITLES, Cell, Grid, scale_of
from sigkd.json_documents import JsonDocument
from sigkd.progress import SILENT, Progress

DEPENDENT = (
    "Splits of the same writers are not independent: tests over splits say whether other references of these writers "
    "would give the same order. For other writers read the bootstrap, or test over writers."
)


@dataclass(frozen=True)
class _Entry:
    """One entry of ``results`` and where it is from."""

    path: Path
    document: Results
    entry: Result

    @property
    def facts(self) -> DatasetFacts:
        """What the entry's dataset is."""
        return self.document.datasets[self.entry.dataset]


class Comparisons(JsonDocument, format="sigkd-comparisons", version=1):
    """What ``sigkd stats`` prints: systems compared for each dataset and number of references that they share."""

    warning: str | None
    """What to mind when reading the tests; null: nothing."""
    comparisons: list[Comparison]


def compare_files(
    paths: Sequence[Path],
    metric: str = "eer_user",
    *,
    by: str = "split",
    dataset: str | None = None,
    nref: int | None = None,
    alpha: float = 0.05,
    replicates: int = 2000,
    zero_method: str = "zsplit",
    progress: Progress = SILENT,
) -> Comparisons:
    """Compare all models of results files, for each dataset and number of references that they share.

    Args:
        paths: results files; one may hold several models.
        metric: the metric to compare.
        by: blocks of the tests, ``split`` or ``writer``.
        dataset: only this one.
        nref: only this number of references.
        alpha: level of significance.
        replicates: of the paired bootstrap over writers.
        zero_method: what Wilcoxon's test makes of pairs without a difference.
        progress: where warnings go.

    Raises:
        InputError: if a file is bad, or two results cannot be compared; the message names what differs.
    """
    entries = [
        _Entry(path, document, entry)
        for path, document in ((path, Results.read(path)) for path in paths)
        for entry in document.results
        if dataset in (None, entry.dataset) and nref in (None, entry.nref)
    ]
    if not entries:
        raise InputError(f"no results on dataset {dataset or '(any)'} with {nref or 'any number of'} references")
    groups: dict[tuple[str, int], list[_Entry]] = {}
    for one in entries:  # the same trials are the same dataset, whatever it was called
        groups.setdefault((one.facts.trials_hash or one.entry.dataset, one.entry.nref), []).append(one)
    shared = {key: group for key, group in groups.items() if len(group) > 1}
    if not shared:
        if len(entries) < 2:
            raise InputError(f"{entries[0].path}: only one result; a comparison needs at least two")
        _refuse(entries[0], entries[1])
    for key, (first, *_) in groups.items():
        if key not in shared:
            progress.warn(
                f"{first.entry.dataset} with {first.entry.nref} references is left out: only one model has results "
                "on it"
            )
    for names in dict.fromkeys(tuple(dict.fromkeys(one.entry.dataset for one in group)) for group in shared.values()):
        if len(names) > 1:
            progress.info(f"{' and '.join(names)} have the same trials: taken as one dataset, '{names[0]}'")
    if by == "split":
        progress.warn(DEPENDENT)
    comparisons = []
    for group in shared.values():
        for other in group[1:]:
            if incompatibility(group[0].entry, other.entry, (group[0].document, other.document)):
                _refuse(group[0], other)
        protocol = group[0].document.protocol_of(group[0].entry.dataset)
        found = compare(
            [one.entry for one in group],
            _labels(group),
            metric,
            protocol,
            by=by,
            alpha=alpha,
            replicate_count=replicates,
            zero_method=zero_method,
            seed=group[0].document.seed,
        )
        comparisons.append(found)
    return Comparisons(warning=DEPENDENT if by == "split" else None, comparisons=comparisons)


def _refuse(a: _Entry, b: _Entry) -> None:
    difference = incompatibility(a.entry, b.entry, (a.document, b.document)) or "nothing in common"
    files = f"{a.path} and {b.path}" if a.path != b.path else str(a.path)
    raise InputError(f"{files} cannot be compared, they differ in {difference}")


def _labels(group: Sequence[_Entry]) -> list[str]:
    """Return each system's name; the file's name is added where models have the same one."""
    names = [one.entry.model or one.path.stem for one in group]
    labels: list[str] = []
    for one, name in zip(group, names, strict=True):
        label = name
        if names.count(name) > 1:
            folder = one.path.parent.name if one.path.stem == "results" else one.path.stem
            label = f"{name} ({folder or one.path.stem})"
        while label in labels:
            label += "'"
        labels.append(label)
    return labels


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def comparison_grids(document: Comparisons) -> list[Grid]:
    """Return two tables a comparison: the systems with their ranks, and the pairs with their tests."""
    grids = []
    for found in document.comparisons:
        scale = scale_of(found.metric)
        unit = " (%)" if scale != 1.0 else ""
        title = TITLES.get(found.metric, found.metric)
        about = f"{title}{unit}: {found.dataset}, {found.nref} references"
        test = found.ranks
        systems = Grid(about, ["System", "Mean", "95 % interval", *(["Mean rank"] if test else [])])
        for place, name in enumerate(found.systems):
            bounds = found.intervals[place]
            interval = "[{:.2f}, {:.2f}]".format(*(scale * bound for bound in bounds)) if bounds else "-"
            mean = scale * found.means[place]
            row = [Cell(name), Cell(f"{mean:.2f}", value=mean), Cell(interval)]
            if test is not None:
                row.append(Cell(f"{test.mean_ranks[place]:.2f}", value=test.mean_ranks[place]))
            systems.rows.append(row)
        if test is not None:
            f = "inf" if test.iman_davenport_f > 1e300 else f"{test.iman_davenport_f:.2f}"
            systems.notes.append(
                f"Friedman over {found.blocks} {found.by}s: chi2 {test.chi2:.2f}, p {_p(test.p)}; "
                f"Iman-Davenport F {f}, p {_p(test.p_f)}; "
                f"Nemenyi's critical difference of ranks {test.critical_difference:.2f}."
            )
        grids += [systems, _pair_grid(found, scale, unit)]
    return grids


def _pair_grid(found: Comparison, scale: float, unit: str) -> Grid:
    columns = ["Pair", f"Difference{unit}", "Wilcoxon p", "p, Holm", "Rank-biserial", "Hodges-Lehmann"]
    if found.pairs[0].bootstrap is not None:
        columns += ["95 % over writers", "Bootstrap p", "p, Holm"]
    grid = Grid(f"Pairs, {found.blocks} {found.by}s", columns)
    for pair in found.pairs:
        row = [
            Cell(f"{pair.a} - {pair.b}"),
            Cell(f"{scale * pair.difference:+.2f}", value=scale * pair.difference),
            *_tested(pair.wilcoxon),
            Cell(f"{pair.rank_biserial:+.2f}", value=pair.rank_biserial),
            Cell(f"{scale * pair.hodges_lehmann:+.2f}", value=scale * pair.hodges_lehmann),
        ]
        if pair.bootstrap is not None and pair.bootstrap_ci95 is not None:
            low, high = (scale * bound for bound in pair.bootstrap_ci95)
            row += [Cell(f"[{low:+.2f}, {high:+.2f}]"), *_tested(pair.bootstrap)]
        grid.rows.append(row)
    grid.notes.append(f"Bold: significant at {found.alpha:g} after Holm's correction over all pairs.")
    if found.by == "split":
        grid.notes.append(DEPENDENT)
    return grid


def _tested(test: Tested) -> list[Cell]:
    return [Cell(_p(test.p), value=test.p), Cell(_p(test.p_holm), best=test.significant, value=test.p_holm)]
