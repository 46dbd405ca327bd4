"""Who hears a call for proposals: pure, no I/O, clock or randomness of its own."""
