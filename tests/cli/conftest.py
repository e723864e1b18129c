"""What the commands that write files read."""

import pytest

from tests.cli.faults import prepare


@pytest.fixture(scope="session")
def known(made_up_signatures, tmp_path_factory):
    """Prepared set, features, cohort, gallery and scans of made-up signatures, by name. Read only."""
    folder = tmp_path_factory.mktemp("known")

    def run(*words):
        from sigkd.cli.app import main

        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        assert not stop.value.code, words

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGKD_DATA", str(folder / "data"))
        patch.setenv("SIGKD_CACHE", str(folder / "cache"))
        return prepare(folder, made_up_signatures, run)
