"""Text by meaning: ``embedding.py`` turns text into vectors, ``nearest.py`` finds the nearest of many."""
