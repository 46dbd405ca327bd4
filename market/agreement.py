"""An agreement, from terms to both signatures.

The requester signs the hash of the terms; the provider signs the same hash, and an *offer*: what the chain
needs to know of the agreement. With that signature the requester opens the escrow in one call that
binds both.

Source: ``contracts/README.md``, "An agreement, from terms to both signatures".
"""

from market.codec import encode_canonical
from market.envelope import signed_bytes
from market.errors import AgreementError, UsageError
from market.hashing import GenesisHash, Hash, digest
from market.identity import Identity, PublicKey, is_valid_signature
from market.messages import Agreement, AgreementTerms, ProviderSignature
from market.offer import NO_SLOT, Offer, is_offer_signed_by, sign_offer
from market.units import BlockNumber

__all__ = ["countersign", "hash_terms", "offer_of", "propose", "require_proposed", "require_signed"]


def hash_terms(terms: AgreementTerms) -> Hash:
    """Return what both parties sign, and what the escrow names.

    Source: ``contracts/README.md``, "Hashes".
    """
    return digest("terms", encode_canonical(terms))


def offer_of(
    terms: AgreementTerms,
    *,
    genesis: GenesisHash,
    slot: Hash,
    valid_until: BlockNumber,
    offer_epoch: int,
) -> Offer:
    """Return the offer that binds the terms on chain.

    Args:
        terms: what was agreed.
        genesis: hash of the chain's block 0.
        slot: of the provider's capacity, or :data:`NO_SLOT`.
        valid_until: last block at which the escrow may be opened with it.
        offer_epoch: the provider's current one.
    """
    return Offer(
        genesis=genesis,
        requester=terms.requester,
        provider=terms.provider,
        task_id=terms.task_id,
        attempt=terms.attempt,
        price=terms.price,
        milestones=terms.milestones,
        input_hash=terms.input.hash,
        slot=slot,
        terms=hash_terms(terms),
        arbiter=terms.arbiter,
        deliver_within=terms.deliver_within,
        review_blocks=terms.review_blocks,
        valid_until=valid_until,
        offer_epoch=offer_epoch,
    )


def propose(terms: AgreementTerms, requester: Identity) -> Agreement:
    """Return the terms with the requester's signature.

    Raises:
        UsageError: the terms name another requester.
    """
    if requester.account != terms.requester:
        raise UsageError("the terms name another requester: sign with that one's identity")
    signature = requester.sign(signed_bytes(hash_terms(terms)))
    return Agreement(terms=terms, requester=signature, provider=None)


def countersign(
    agreement: Agreement,
    provider: Identity,
    *,
    genesis: GenesisHash,
    valid_until: BlockNumber,
    offer_epoch: int,
    slot: Hash = NO_SLOT,
) -> Agreement:
    """Return an agreement with the provider's two signatures; the arguments are those of :func:`offer_of`.

    The provider has compared the terms with its own and checked the input's bytes before.

    Raises:
        UsageError: the terms name another provider.
    """
    terms = agreement.terms
    offer = offer_of(
        terms, genesis=genesis, slot=slot, valid_until=valid_until, offer_epoch=offer_epoch
    )
    signature = ProviderSignature(
        offer=sign_offer(offer, provider),
        terms=provider.sign(signed_bytes(hash_terms(terms))),
        slot=slot,
        valid_until=valid_until,
        offer_epoch=offer_epoch,
    )
    return Agreement(terms=terms, requester=agreement.requester, provider=signature)


def require_proposed(agreement: Agreement, requester: PublicKey) -> None:
    """Check the requester's signature on an agreement.

    Raises:
        AgreementError: ``requester``.
    """
    payload = signed_bytes(hash_terms(agreement.terms))
    if not is_valid_signature(requester, payload, agreement.requester):
        raise AgreementError("requester", "the requester has not signed these terms: drop it")


def require_signed(
    agreement: Agreement,
    *,
    genesis: GenesisHash,
    requester: PublicKey,
    provider: PublicKey,
) -> Offer:
    """Check all signatures of an agreement, and return the offer that it opens the escrow with.

    Args:
        agreement: from a peer.
        genesis: hash of block 0 of our chain.
        requester: the requester's operator key at the finalised head.
        provider: the provider's.

    Raises:
        AgreementError: ``requester``, ``unsigned``, ``provider`` or ``offer``.
    """
    require_proposed(agreement, requester)
    payload = signed_bytes(hash_terms(agreement.terms))
    signed = agreement.provider
    if signed is None:
        raise AgreementError("unsigned", "the provider has not signed yet: wait for its answer")
    if not is_valid_signature(provider, payload, signed.terms):
        raise AgreementError("provider", "the provider has not signed these terms: drop it")
    offer = offer_of(
        agreement.terms,
        genesis=genesis,
        slot=signed.slot,
        valid_until=signed.valid_until,
        offer_epoch=signed.offer_epoch,
    )
    if not is_offer_signed_by(offer, signed.offer, provider):
        raise AgreementError("offer", "the offer's signature is not over these terms: drop it")
    return offer
