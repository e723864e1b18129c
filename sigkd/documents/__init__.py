"""Documents: finding the signatures on a page, and taking them out."""
