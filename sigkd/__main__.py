"""``python -m sigkd`` is the same as ``sigkd`` (and what ``torchrun -m sigkd`` starts)."""

import sys


def run() -> None:
    """Run the program; a Ctrl-C while it is still being imported is one line as well."""
    try:
        from sigkd.cli.app import main
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("error: interrupted\n")
        sys.exit(130)
    main()


if __name__ == "__main__":
    run()
