"""What is hashed besides messages: a sealed ask, and the terms of an agreement."""

from market.codec import encode_canonical
from market.hashing import AuctionId, GenesisHash, Hash, digest
from market.identity import AccountId
from market.messages import AgreementTerms, Ask

__all__ = ["hash_of_terms", "seal_of_ask"]


def seal_of_ask(
    ask: Ask, nonce: bytes, *, genesis: GenesisHash, auction: AuctionId, bidder: AccountId
) -> Hash:
    """Return what a bidder commits to: ``H("seal", genesis ++ auction ++ bidder ++ ask ++ nonce)``.

    Everything but the ask has 32 bytes, so the parts cannot run into each other. The bidder's account
    keeps a copied seal from being opened by somebody else; the nonce keeps the few thousand prices
    that make sense from being tried one by one.

    Args:
        ask: the bid; its canonical encoding is sealed.
        nonce: 32 random bytes, kept until the reveal.
        genesis: hash of the chain's block 0.
        auction: id of the call for proposals.
        bidder: the bidder's account.

    Raises:
        UsageError: the ask exceeds a cap of the wire.
    """
    return digest("seal", genesis + auction + bidder + encode_canonical(ask) + nonce)


def hash_of_terms(terms: AgreementTerms) -> Hash:
    """Return what both sides sign and the escrow stores: ``H("terms", canonical terms)``.

    Raises:
        UsageError: the terms exceed a cap of the wire.
    """
    return digest("terms", encode_canonical(terms))
