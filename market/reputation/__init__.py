"""The chain's bonds, scores and offences, mirrored: what an escrow's end or a report would do."""
