"""What must hold of the library under the client."""

from importlib import metadata

import pytest


def test_the_library_that_would_overwrite_our_scale_codec_is_not_installed_beside_it() -> None:
    # async-substrate-interface brings cyscale, whose files take the place of scalecodec's.
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("async-substrate-interface")
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("cyscale")


def test_the_library_is_the_release_whose_defects_are_worked_around_by_name() -> None:
    assert metadata.version("substrate-interface") == "1.8.1"
