"""Outputs as a model reads them: text and images within the limits of one reply."""
