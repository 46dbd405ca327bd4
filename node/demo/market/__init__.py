"""A whole market, told step by step: nodes that bid for real work, the escrow that pays for it, the auction computed again.

:mod:`house` runs a testnet and leaves nothing behind; :mod:`story` is what happens in it, chapter by chapter; :mod:`life`
says what each step of a task means; :mod:`trail` is what the chain has of it; :mod:`text` shows it to people.
"""
