"""Answers of the local API, held to what its description says of them."""

import functools
import re
from typing import Any

from jsonschema import Draft202012Validator

from node.api.description import OPERATIONS, describe

__all__ = ["check_answer", "check_shape"]


@functools.cache
def _validator(shape: str) -> Draft202012Validator:
    components = describe("test")["components"]
    whole = {"$ref": f"#/components/schemas/{shape}", "components": components}
    return Draft202012Validator(whole)


def check_shape(shape: str, value: object) -> None:
    """Fail where a value has not the shape that is named."""
    _validator(shape).validate(value)


def check_answer(method: str, path: str, status: int, value: Any) -> None:
    """Fail where an answer is not what the description says of its path and status."""
    bare = path.partition("?")[0]
    for (known, template), operation in OPERATIONS.items():
        if known == method and re.fullmatch(template.replace("{task}", "[^/]+"), bare):
            if status in operation.answers:
                shape = operation.answers[status]
                assert shape is not None, f"{path} answers no JSON that is described"
                check_shape(shape, value)
                return
            assert value["error"]["reason"] in {
                *operation.refusals.get(status, ()), "token", "host", "origin", "internal",
            }  # fmt: skip
            check_shape("Error", value)
            return
    raise AssertionError(f"{method} {path} is not described")
