"""Networks that turn a normalised signature into a feature vector: their registry, weights, loading and export."""
