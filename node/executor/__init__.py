"""Running agents: each in worker processes of its own, confined, bounded, and reaped."""
