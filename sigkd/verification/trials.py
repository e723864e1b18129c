"""Scores of a labelled set of signatures as a verifier would give them: what calibrations are fitted and judged on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import Classifier, Negatives
from sigkd.errors import InputError, UsageError
from sigkd.progress import SILENT, Progress

NEGATIVES = ("cohort", "writers")
"""What a template is fitted against: the cohort, or references of other writers."""
RANDOM_PER_WRITER = 20
"""Random forgeries scored for each writer and split: genuine signatures of others, drawn without replacement."""


@dataclass(frozen=True)
class Trials:
    """Scores by kind, and the writer whose references each was compared with."""

    genuine: NDArray[np.float64]
    skilled: NDArray[np.float64]
    random: NDArray[np.float64]
    genuine_writer: NDArray[np.int64]
    skilled_writer: NDArray[np.int64]
    random_writer: NDArray[np.int64]

    @property
    def impostors(self) -> dict[str, NDArray[np.float64]]:
        """The scores of forgeries by their kind."""
        return {"skilled": self.skilled, "random": self.random}

    def of_writers(self, writers: NDArray[np.integer]) -> Trials:
        """Return the trials against these writers' references."""
        g, s, r = (np.isin(who, writers) for who in (self.genuine_writer, self.skilled_writer, self.random_writer))
        return Trials(
            self.genuine[g],
            self.skilled[s],
            self.random[r],
            self.genuine_writer[g],
            self.skilled_writer[s],
            self.random_writer[r],
        )


def select_writers(spec: str | None, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the writers' numbers that ``--writers`` names: ``A:B`` (positions, as in Python), or names with commas.

    Raises:
        UsageError: neither, or an unknown name.
    """
    everyone = np.arange(len(names))
    if spec is None:
        return everyone
    first, colon, last = spec.partition(":")
    if colon:
        try:
            chosen = everyone[slice(int(first) if first else None, int(last) if last else None)]
        except ValueError:
            raise UsageError(f"--writers '{spec}': A:B are two positions") from None
    else:
        places = {name: place for place, name in enumerate(names)}
        wanted = [name.strip() for name in spec.split(",")]
        unknown = [name for name in wanted if name not in places]
        if unknown:
            raise UsageError(f"--writers: no writer '{unknown[0]}'; there are {names[0]} ... {names[-1]}")
        chosen = np.array([places[name] for name in wanted])
    if len(chosen) < 2:
        raise UsageError(f"--writers '{spec}' leaves {len(chosen)} writer(s); at least two are needed")
    return chosen


def collect_trials(
    features: NDArray[np.floating],
    y: NDArray[np.integer],
    yforg: NDArray[np.integer],
    classifier: Classifier,
    references: int,
    *,
    cohort: Negatives | None,
    negatives: str = "cohort",
    splits: int = 5,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Trials:
    """Enrol every writer ``splits`` times with randomly drawn references, and score everything else against them.

    Genuine trials are the writer's other genuine signatures, skilled ones the forgeries of the writer, random ones
    :data:`RANDOM_PER_WRITER` genuine signatures of other writers (never rows that served as negatives).

    Args:
        features: [N, D].
        y: writer of each row [N] (of a forgery: the writer who is imitated).
        yforg: 0 genuine, 1 skilled, 2 simple forgery [N]; simple forgeries are left out.
        classifier: makes the templates.
        references: how many genuine signatures are enrolled.
        cohort: needed for ``negatives="cohort"``.
        negatives: ``cohort``, or ``writers``: as many references of every other writer.
        splits: draws.
        seed: of the draws.
        progress: where the work is reported.

    Raises:
        UsageError: unknown negatives, or a cohort is missing.
        InputError: no writer has enough genuine signatures.
    """
    if negatives not in NEGATIVES:
        raise UsageError(f"unknown negatives '{negatives}': use {' or '.join(NEGATIVES)}")
    if negatives == "cohort" and cohort is None:
        raise UsageError("negatives 'cohort' need a cohort")
    genuine_rows = {int(writer): np.flatnonzero((y == writer) & (yforg == 0)) for writer in np.unique(y)}
    writers = [writer for writer, rows in genuine_rows.items() if len(rows) > references]
    if len(writers) < 2:
        raise InputError(f"fewer than two writers have more than {references} genuine signatures")
    parts: dict[str, list[tuple[NDArray[np.float64], int]]] = {"genuine": [], "skilled": [], "random": []}
    with progress.task(
        f"{classifier.name}, {references} references", total=splits * len(writers), unit="writers"
    ) as task:
        for generator in _generators(splits, seed):
            shuffled = {writer: generator.permutation(genuine_rows[writer]) for writer in writers}
            others_tests = {writer: rows[references:] for writer, rows in shuffled.items()}
            for writer in writers:
                enrolled = features[shuffled[writer][:references]]
                if cohort is not None and negatives == "cohort":
                    against = cohort
                else:
                    others = np.concatenate([shuffled[w][:references] for w in writers if w != writer])
                    against = Negatives(np.asarray(features[others], np.float32), kind="writers")
                random = np.concatenate([others_tests[w] for w in writers if w != writer])
                rows = {
                    "genuine": others_tests[writer],
                    "skilled": np.flatnonzero((y == writer) & (yforg == 1)),
                    "random": generator.permutation(random)[:RANDOM_PER_WRITER],
                }
                template = classifier.fit(enrolled, against)
                scores = template.scores(features[np.concatenate(list(rows.values()))])
                ends = np.cumsum([len(part) for part in rows.values()])[:-1]
                for kind, part in zip(rows, np.split(scores, ends), strict=True):
                    parts[kind].append((part, writer))
                task.advance()
    joined = {kind: np.concatenate([part for part, _ in found]) for kind, found in parts.items()}
    owner = {
        kind: np.concatenate([np.full(len(part), writer, np.int64) for part, writer in found])
        for kind, found in parts.items()
    }
    return Trials(
        joined["genuine"], joined["skilled"], joined["random"], owner["genuine"], owner["skilled"], owner["random"]
    )


def _generators(splits: int, seed: int) -> Iterator[np.random.Generator]:
    for split in range(splits):
        yield np.random.default_rng([seed, split])
