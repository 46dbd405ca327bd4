"""What can be asked of the chain: one frozen class for each call, one module for each pallet.

::

    await chain.submit("escrow 7: release", escrow.Release(EscrowId(7)), signer)

A class has the call's name and the call's arguments as fields; amounts are planck. A test holds each to the
runtime's metadata.
"""

import re
from typing import Any, ClassVar

import attrs

from chain.values import encode, fields_of

__all__ = ["Call"]

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


@attrs.frozen
class Call:
    """Base of every call."""

    pallet: ClassVar[str]

    @classmethod
    def function(cls) -> str:
        """Return the call's name on the chain."""
        return _HUMP.sub("_", cls.__name__).lower()

    @property
    def name(self) -> str:
        """Pallet and call, as errors and logs have it: ``Escrow.open_with_offer``."""
        return f"{self.pallet}.{self.function()}"

    def arguments(self) -> dict[str, Any]:
        """Return the arguments as the SCALE library takes them."""
        fields = fields_of(type(self))
        return {wire: encode(getattr(self, name)) for wire, (name, _) in fields.items()}
