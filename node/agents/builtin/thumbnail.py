"""``image.thumbnail``: a small picture of a large one, by Pillow."""

import io
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from node.agents.declaration import Task, agent
from node.agents.errors import InputError

__all__ = ["draft", "fine"]

_MAX_PIXELS: Final = 64_000_000
"""A small file may unpack to a huge picture; about what a large camera takes."""
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")

Side = Annotated[int, Meta(ge=16, le=2048)]


class Picture(msgspec.Struct, forbid_unknown_fields=True):
    """The picture, and what is wanted of it."""

    image: Annotated[bytes, Meta(min_length=1)]
    width: Side = 256
    height: Side = 256
    """The thumbnail fits in both, and keeps its proportions."""
    format: Literal["png", "jpeg", "webp"] = "png"


class Thumbnail(msgspec.Struct):
    """The thumbnail."""

    image: bytes
    width: int
    height: int
    media_type: str


def _load() -> None:
    from PIL import Image, ImageOps  # noqa: F401

    Image.init()


@agent(
    capability="image.thumbnail",
    price="0.002 AINU",
    description="Make a thumbnail quickly, by averaging neighbouring pixels",
    setup=_load,
)
async def draft(task: Task[Picture]) -> Thumbnail:
    """Average over boxes; a JPEG is not even decoded in full."""
    return _make(task.input, is_draft=True)


@agent(
    capability="image.thumbnail",
    price="0.006 AINU",
    description="Make a sharp thumbnail by Lanczos filtering in full resolution",
    setup=_load,
)
async def fine(task: Task[Picture]) -> Thumbnail:
    """Filter in full resolution."""
    return _make(task.input, is_draft=False)


def _make(wanted: Picture, *, is_draft: bool) -> Thumbnail:
    from PIL import Image, ImageOps, UnidentifiedImageError

    resampling = Image.Resampling.BOX if is_draft else Image.Resampling.LANCZOS
    box = (wanted.width, wanted.height)
    try:
        with Image.open(io.BytesIO(wanted.image), formats=_FORMATS) as source:
            if source.width * source.height > _MAX_PIXELS:
                raise InputError(f"the picture has more than {_MAX_PIXELS} pixels")
            if is_draft:
                source.draft("RGB", box)
            picture = ImageOps.exif_transpose(source)
            has_alpha = picture.has_transparency_data and wanted.format != "jpeg"
            picture = picture.convert("RGBA" if has_alpha else "RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"this is no picture that can be read: {error}") from error
    picture.thumbnail(box, resampling, reducing_gap=2.0 if is_draft else None)
    written = io.BytesIO()
    picture.save(
        written, wanted.format.upper(), quality=70 if is_draft else 90, optimize=not is_draft
    )
    return Thumbnail(
        written.getvalue(), picture.width, picture.height, f"image/{wanted.format}"
    )  # fmt: skip
