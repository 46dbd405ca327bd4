"""How a result is shown to people."""

import json

from node.cli.results import preview


def test_a_small_result_is_shown_whole() -> None:
    value = {"words": 6, "text": "Grüße", "rows": [[1, None], [2.5, True]]}
    assert json.loads(preview(value)) == value
    assert "Grüße" in preview(value)


def test_what_is_cut_is_said_with_its_length() -> None:
    shown = preview({"image": "A" * 5_000, "rows": [[n] for n in range(100)]})
    assert "… (5,000 characters)" in shown
    assert "… (100 in all)" in shown
    assert len(shown) < 2_000


def test_nothing_that_a_stranger_wrote_reaches_the_terminal_as_a_command() -> None:
    shown = preview({"text": "\x1b[2J\x9b2J\u202e"})
    assert not any(c in shown for c in "\x1b\x9b\u202e")
