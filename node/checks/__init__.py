"""Whether a result is what was paid for: checks, each with the evidence that a dispute would show."""
