"""The classifiers, one file each; ``--classifier`` names the modules."""
