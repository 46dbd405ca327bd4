"""Random extrinsics of every pallet and call of a runtime, good and bad, drawn by its metadata.

Most arguments are drawn by their types alone, from few values that matter; so most calls fail in dispatch.
What would hardly ever succeed that way is drawn with knowledge: offers are signed, and who acts on an
escrow is mostly one of its parties. All keys are the development phrase's; the same seed and chain give
the same extrinsics, but for the chance in sr25519's signatures.
"""

import hashlib
import random
import struct
from typing import Any, Final

from scalecodec.utils.ss58 import ss58_encode

from chain.devchain.chain import DevChain
from chain.devchain.scale import decode_vec, encode_compact, encode_vec
from tests.support.extrinsics import NAMES, UNIT, Key, sign

KEYS: Final = [Key(name, scheme) for scheme in ("sr25519", "ed25519") for name in NAMES]
STRANGERS: Final = [Key("Stranger"), Key("Stranger", "ed25519")]
"""They own nothing, until somebody sends them something."""
BY_ADDRESS: Final = {ss58_encode(key.public, 42): key for key in KEYS}

FORBIDDEN: Final = {
    # With root, each of these ends the chain, or changes what runs it: not a difference between two
    # that run the same.
    ("System", "set_heap_pages"),
    ("System", "set_code_without_checks"),
    # Nothing could be done as root any more.
    ("Sudo", "remove_key"),
}
AMOUNTS: Final = [0, 1, 10**9, UNIT // 2, UNIT, 10 * UNIT, 1_000 * UNIT, 10**6 * UNIT, 2**128 - 1]
SMALL: Final = [0, 1, 2, 3, 5, 10, 20, 255, 2**31, 2**32 - 1]
OFFER_DOMAIN: Final = b"ainur/1/offer\0"
OPERATOR_DOMAIN: Final = b"ainur/1/operator\0"
PRIMITIVES: Final = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "u128": 16, "u256": 32}
MISTAKES: Final = [
    *("stale", "future", "signature", "signer", "genesis", "expired", "era ahead", "tip"),
    *("unsigned", "cut", "longer", "no such call", "metadata hash", "stranger", "version"),
]


def blake2_256(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


class RandomExtrinsics:
    """Draws extrinsics for a chain, fit for the block after its head."""

    def __init__(self, chain: DevChain, rng: random.Random) -> None:
        self._chain, self._rng = chain, rng
        metadata: Any = chain.metadata()._metadata.value[1]["V14"]
        self._types = {t["id"]: t["type"] for t in metadata["types"]["types"]}
        self._calls: dict[str, list[tuple[int, Any]]] = {}
        for pallet in metadata["pallets"]:
            if pallet["calls"]:
                variants = self._types[pallet["calls"]["ty"]]["def"]["variant"]["variants"]
                allowed = [v for v in variants if (pallet["name"], v["name"]) not in FORBIDDEN]
                self._calls[pallet["name"]] = [(pallet["index"], v) for v in allowed]
        self._nonces: dict[bytes, int] = {}
        self.drawn: set[tuple[str, str]] = set()
        """Pallet and name of every call that was drawn."""

    # -- values -------------------------------------------------------------------------------

    def _account(self) -> bytes:
        some = self._rng.random()
        if some < 0.9:
            return self._rng.choice(KEYS).public
        return self._rng.choice(STRANGERS).public if some < 0.98 else bytes(32)

    def _number(self, size: int) -> int:
        values = AMOUNTS if size > 8 else SMALL
        return self._rng.choice([v for v in values if v < 256**size])

    def _bytes(self, most: int = 40) -> bytes:
        return self._rng.randbytes(self._rng.randint(0, most))

    def _value(self, kind: int, depth: int, name: str = "") -> bytes:
        """Encode a random value of a type."""
        described = self._types[kind]
        match described["path"]:
            case ["sp_core", "crypto", "AccountId32"]:
                return self._account()
            case ["sp_runtime", "multiaddress", "MultiAddress"] if self._rng.random() < 0.95:
                return b"\0" + self._account()
            case ["primitive_types", "H256"]:
                return self._rng.choice([bytes(32), b"\1" * 32, self._rng.randbytes(32)])
            case [*_, "RuntimeCall"]:
                return self.call(depth + 1)
            case [*_, "Offer"]:
                return self._offer(self._rng.choice(KEYS), self._rng.choice(KEYS))
        if name == "escrow":
            return struct.pack("<Q", self._rng.randint(0, 12))
        ((shape, inside),) = described["def"].items()
        match shape:
            case "primitive" if inside in PRIMITIVES:
                size = PRIMITIVES[inside]
                return self._number(size).to_bytes(size, "little")
            case "primitive" if inside == "bool":
                return self._rng.choice([b"\0", b"\1"])
            case "primitive":
                return encode_vec(b"text")
            case "compact":
                size = PRIMITIVES.get(self._types[inside["type"]]["def"].get("primitive", ""), 8)
                return encode_compact(self._number(size))
            case "composite":
                return self._fields(inside["fields"], depth)
            case "tuple":
                return b"".join(self._value(kind, depth) for kind in inside)
            case "array":
                return b"".join(self._value(inside["type"], depth) for _ in range(inside["len"]))
            case "sequence" if self._types[inside["type"]]["def"].get("primitive") == "u8":
                return encode_vec(self._bytes())
            case "sequence":
                count = self._rng.randint(0, 3)
                items = (self._value(inside["type"], depth) for _ in range(count))
                return encode_compact(count) + b"".join(items)
            case "variant":
                variant = self._rng.choice(inside["variants"])
                return bytes([variant["index"]]) + self._fields(variant["fields"], depth)
        raise NotImplementedError(shape)

    def _fields(self, fields: list[Any], depth: int) -> bytes:
        return b"".join(self._value(f["type"], depth, f["name"] or "") for f in fields)

    # -- calls --------------------------------------------------------------------------------

    def call(self, depth: int = 0) -> bytes:
        """Draw a call of any pallet, with others inside down to a few levels."""
        nested = ("Sudo", "Utility")
        pallets = [p for p in self._calls if depth < 3 or p not in nested]
        pallet = self._rng.choice(pallets)
        index, variant = self._rng.choice(self._calls[pallet])
        return self._call(pallet, index, variant, depth)

    def _named(self, pallet: str, name: str, arguments: bytes) -> bytes:
        index, variant = next((i, v) for i, v in self._calls[pallet] if v["name"] == name)
        self.drawn.add((pallet, name))
        return bytes([index, variant["index"]]) + arguments

    def _call(self, pallet: str, index: int, variant: Any, depth: int) -> bytes:
        name = variant["name"]
        self.drawn.add((pallet, name))
        head = bytes([index, variant["index"]])
        # Of one length: a node's trie panics where a key is removed that is the beginning of another.
        scratch = b"scratch" + self._rng.choice([b"1", b"2", b"3"])
        match (pallet, name):
            # Root may write anywhere; only here does it break nothing.
            case ("System", "set_storage"):
                pairs = encode_vec(scratch) + encode_vec(self._bytes(50))
                return head + encode_compact(1) + pairs
            case ("System", "kill_storage"):
                return head + encode_compact(1) + encode_vec(scratch)
            case ("System", "kill_prefix"):
                return head + encode_vec(b"scratch") + struct.pack("<I", self._rng.choice(SMALL))
        return head + self._fields(variant["fields"], depth)

    def _offer(self, requester: Key, provider: Key) -> bytes:
        rng = self._rng
        count = rng.choice([1, 1, 2, 3, 8])
        parts = [rng.choice([UNIT // 100, UNIT, 3 * UNIT, 50 * UNIT]) for _ in range(count)]
        price = sum(parts) + (rng.random() < 0.05)
        arbiter = b"\0" if rng.random() < 0.5 else b"\1" + self._account()
        now = self._chain.head.number
        return b"".join(
            [
                self._chain.genesis.hash if rng.random() < 0.97 else bytes(32),
                *(requester.public, provider.public),
                bytes([rng.randint(1, 4)]) * 32,  # the task; few, so that some are tried again
                bytes([rng.choice([0, 0, 0, 1, 2])]),
                price.to_bytes(16, "little"),
                encode_compact(count) + b"".join(p.to_bytes(16, "little") for p in parts),
                b"\2" * 32,
                rng.choice([bytes(32), b"\3" * 32]),
                b"\4" * 32,
                arbiter,
                struct.pack("<I", rng.choice([1, 2, 5, 20, 0])),
                struct.pack("<I", rng.choice([2, 3, 10, 1])),
                struct.pack("<I", now + rng.choice([1, 3, 10, 100])),
                struct.pack("<I", rng.choice([0, 0, 0, 0, 1])),
            ]
        )

    def _signed_offer(self, offer: bytes, provider: Key) -> bytes:
        signer = provider if self._rng.random() < 0.9 else self._rng.choice(KEYS)
        return offer + signer.sign(OFFER_DOMAIN + blake2_256(offer))

    def _likely(self) -> tuple[Key, bytes]:
        """Draw a call of the market that has a chance, and who makes it."""
        rng = self._rng
        some = rng.random()
        # The providers of the presets are bonded.
        provider = rng.choice([key for i, key in enumerate(KEYS) if i % 6 in (1, 2)])
        if some < 0.3:
            requester = rng.choice(KEYS)
            offer = self._offer(requester, provider)
            if rng.random() < 0.4:
                return requester, self._named("Escrow", "open", offer)
            offer = self._signed_offer(offer, provider)
            return requester, self._named("Escrow", "open_with_offer", offer)
        if some < 0.8:
            return self._on_an_escrow()
        if some < 0.9:
            agent, new = rng.choice(KEYS), rng.choice([*KEYS, *STRANGERS])
            said = self._chain.genesis.hash + agent.public + new.public
            proof = new.sign(OPERATOR_DOMAIN + blake2_256(said))
            arguments = agent.public + new.public + proof
            return agent, self._named("Registry", "rotate_operator", arguments)
        slot = [self._offer(rng.choice(KEYS), provider) for _ in range(2)]
        reports = provider.public + b"".join(self._signed_offer(o, provider) for o in slot)
        return rng.choice(KEYS), self._named("Reputation", "report_double_acceptance", reports)

    def _on_an_escrow(self) -> tuple[Key, bytes]:
        rng = self._rng
        known = self._chain.query("Escrow", "NextEscrow")
        escrow = max(0, known - 1 - rng.choice([0, 0, 1, 1, 2, 3, 5]))
        record = self._chain.query("Escrow", "Escrows", escrow)
        names = (
            "accept decline cancel request_cancel deliver deliver release release refund dispute"
        )
        name = rng.choice([*names.split(), "rule", "claim_timeout", "prune"])
        anyone = rng.choice(KEYS)
        arguments = struct.pack("<Q", escrow)
        if record is None:
            return anyone, self._named("Escrow", "claim_timeout", arguments)
        by_provider = name in ("accept", "decline", "deliver", "refund")
        party = record["provider" if by_provider else "requester"]
        if name == "rule":
            party = record["arbiter"]
        elif name == "dispute" and rng.random() < 0.5:
            party = record["provider"]
        signer = anyone
        if party is not None and rng.random() < 0.9:
            signer = BY_ADDRESS.get(party, anyone)
        match name:
            case "accept":
                arguments += bytes.fromhex(record["offer_hash"][2:])
            case "deliver":
                arguments += rng.randbytes(32)
            case "dispute":
                arguments += bytes([rng.randint(0, 2)]) + rng.randbytes(32)
            case "rule":
                arguments += struct.pack("<H", rng.choice([0, 5_000, 10_000, 10_001]))
        return signer, self._named("Escrow", name, arguments)

    # -- extrinsics ---------------------------------------------------------------------------

    def block(self, count: int) -> list[bytes]:
        """Draw extrinsics for one block."""
        self._nonces.clear()
        return [self._extrinsic() for _ in range(count)]

    def _nonce(self, key: Key) -> int:
        if key.public not in self._nonces:
            answer = self._chain.call("AccountNonceApi_account_nonce", key.public)
            self._nonces[key.public] = struct.unpack("<I", answer)[0]
        return self._nonces[key.public]

    def _extrinsic(self) -> bytes:
        rng = self._rng
        some = rng.random()
        if some < 0.45:
            key, call = self._likely()
        elif some < 0.6:
            # The first may do what root may.
            key, call = KEYS[0], self._named("Sudo", "sudo", self.call(1))
        else:
            key, call = rng.choice(KEYS), self.call()
        if rng.random() < 0.15:
            return self._mistaken(rng.choice(MISTAKES), key, call)
        nonce = self._nonce(key)
        self._nonces[key.public] += 1
        head = self._chain.head.number
        era = None
        if head and rng.random() < 0.5:
            era = rng.choice([4, 8, 64, 4096]), head - rng.choice([0, min(2, head - 1)])
        return sign(self._chain, key, call, nonce, tip=rng.choice([0, 0, 1, UNIT]), era=era)

    def _mistaken(self, mistake: str, key: Key, call: bytes) -> bytes:
        chain, rng, nonce = self._chain, self._rng, self._nonce(key)
        head = chain.head.number
        match mistake:
            case "stale" if nonce:
                return sign(chain, key, call, nonce - 1)
            case "genesis":
                return sign(chain, key, call, nonce, genesis=bytes(32))
            case "expired" if head > 8:
                return sign(chain, key, call, nonce, era=(4, head - 8))
            case "era ahead":
                return sign(chain, key, call, nonce, era=(4, head + 3))
            case "tip":
                return sign(chain, key, call, nonce, tip=2**127)
            case "stranger":
                return sign(chain, rng.choice(STRANGERS), call, 0)
            case "unsigned":
                return encode_vec(b"\4" + call)
            case "no such call":
                return sign(chain, key, bytes([rng.randint(0, 255), 99]), nonce)
            case "future" | "stale" | "expired":
                return sign(chain, key, call, nonce + rng.choice([1, 2, 100]))
        body, _ = decode_vec(sign(chain, key, call, nonce))
        match mistake:
            case "signature":
                at = rng.randint(35, 98)
                body = body[:at] + bytes([body[at] ^ 1 << rng.randint(0, 7)]) + body[at + 1 :]
            case "signer":
                body = body[:2] + rng.choice(KEYS).public + body[34:]
            case "cut":
                body = body[: rng.randint(0, len(body) - 1)]
            case "longer":
                body += b"\0"
            case "version":
                body = bytes([rng.choice([0x83, 0x85, 0x45, 0x05, 0xC4])]) + body[1:]
            case _:
                at = len(body) - len(call) - 1  # the mode of CheckMetadataHash
                body = body[:at] + bytes([rng.choice([1, 2])]) + body[at + 1 :]
        return encode_vec(body)
