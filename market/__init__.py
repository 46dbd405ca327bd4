"""The rules of the market: pure, no I/O, clock or randomness of its own."""
