"""Random auctions, honest ones on a bad network and ones with a planted cheat: what the verifier says."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random

import attrs

from market.auction.verify import Fault, verify_transcript
from node.simulation.auction import Network, Outcome, random_auction
from node.simulation.cheats import CHEATS

NETWORKS = (Network(), Network(0.1, 0.2, 0.5), Network(0.3, 0.3, 1.0))


@attrs.frozen
class Verdict:
    """One auction, verified."""

    seed: int
    cheat: str
    """Name of the planted cheat; empty for an honest auction, or where there was no occasion."""
    planted: str
    faults: list[Fault]
    owner: bytes
    outcome: Outcome

    @property
    def is_right(self) -> bool:
        """Whether exactly what was planted was found, and nothing else."""
        kinds = {fault.kind for fault in self.faults}
        expected = {self.planted} if self.cheat else set()
        return kinds == expected and all(f.account == self.owner for f in self.faults)


def verdicts(seeds: range) -> Iterator[Verdict]:
    """Yield one honest auction for every cheating one, cheats in turn."""
    names = sorted(CHEATS)
    for seed in seeds:
        rng = Random(seed)  # inputs of a test, not a secret
        size = {"tasks": rng.randint(1, 3), "bidders": rng.randint(1, 6)}
        if seed % 2:
            cheat = CHEATS[names[seed // 2 % len(names)]]()
            world = random_auction(rng, **size, misbehaving=0.1, conduct=cheat)
        else:
            cheat = None
            world = random_auction(
                rng,
                **size,
                misbehaving=0.15,
                network=NETWORKS[seed // 2 % len(NETWORKS)],
                bundles=seed % 10 == 0,
            )
        outcome = world.run()
        faults = verify_transcript(outcome.transcript, outcome.facts, outcome.evidence)
        has_cheated = cheat is not None and cheat.has_cheated
        yield Verdict(
            seed,
            names[seed // 2 % len(names)] if has_cheated else "",
            cheat.planted if cheat is not None and has_cheated else "",
            faults,
            world.owner.account,
            outcome,
        )


def main(count: int, first: int) -> int:
    """Verify that many auctions and print the tally as JSON; 1 when one verdict is wrong."""
    tally: Counter[str] = Counter()
    wrong = []
    for verdict in verdicts(range(first, first + count)):
        tally[verdict.cheat or "honest"] += 1
        if not verdict.is_right:
            wrong.append({"seed": verdict.seed, "faults": [str(f) for f in verdict.faults]})
    print(json.dumps({"auctions": count, **dict(sorted(tally.items())), "wrong": wrong}, indent=2))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
