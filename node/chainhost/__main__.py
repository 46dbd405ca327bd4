"""The chain's process, as ``ainur chain up`` starts it."""

import gc
import sys

# Nothing of what is imported on the way up is garbage; the collector is let in when the chain answers.
gc.disable()

from node.chainhost.daemon import main  # noqa: E402  (see above)

sys.exit(main(sys.argv[1:]))
