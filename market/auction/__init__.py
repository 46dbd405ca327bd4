"""Sealed-bid auctions: the requester's machine, the bidder's machine, and what verifies them.

Import :mod:`market.auction.requester` and :mod:`market.auction.bidder` for the machines, and
:mod:`market.auction.verify` for transcripts.
"""
