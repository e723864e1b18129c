"""``python -m sigkd`` is the same as ``sigkd`` (and what ``torchrun -m sigkd`` starts)."""

from sigkd.cli.app import main

if __name__ == "__main__":
    main()
