"""``ainur agent``, and the README's agent, in processes of their own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.agent_servers import KEY, served
from tests.support.agents import needs_sandbox

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[3]


def ainur(
    *arguments: str, given: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ainur", "agent", *arguments],
        input=given, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT,
        env={**os.environ, **environment},
    )  # fmt: skip


def readme_agent() -> str:
    """Return the code that the README shows."""
    text = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(from ainur import agent\n.*?)```", text, re.DOTALL)
    return str(code)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "wordcount.py"
    found.write_text(readme_agent())
    return found


@needs_sandbox
def test_the_readmes_agent_has_ten_lines_at_most_and_works_as_the_readme_says(file: Path) -> None:
    code = readme_agent()
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    checked = ainur("check", str(file), "--json")
    assert checked.returncode == 0, checked.stderr
    (offered,) = json.loads(checked.stdout)["agents"]
    assert offered["capability"] == "text.wordcount"
    assert offered["price"] == "20000000000"
    assert json.loads(checked.stdout)["sandboxed"]
    tried = ainur("try", str(file), "--input", '{"text": "to be or not to be"}')
    assert json.loads(tried.stdout) == {"words": 6}
    shown = (ROOT / "README.md").read_text()
    assert "ainur agent check wordcount.py" in shown
    assert """ainur agent try wordcount.py --input '{"text": "to be or not to be"}'""" in shown


@needs_sandbox
def test_check_says_what_an_agent_wants_and_how_it_is_held(file: Path) -> None:
    file.write_text(
        "from ainur import agent\n"
        "ask = agent.openai('m', prompt='$text', key_env='THE_KEY', capability='a.b', price='1 AINU')\n"
    )
    done = ainur("check", str(file))
    assert done.returncode == 0, done.stderr
    for word in ("a.b", "1 AINU", "the network, THE_KEY", "bubblewrap", "network: none"):
        assert word in done.stdout


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = 1", "declares no agent"),
        ("def f(:", "SyntaxError"),
        ("import nothing_like_it", "nothing_like_it"),
        ("from ainur import agent\n@agent(capability='A', price=1)\ndef f(task): ...", "no capability"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("open('/etc/passwd')", "No such file"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_load_says_why(file: Path, code: str, says: str) -> None:
    file.write_text(code)
    done = ainur("check", str(file))
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@needs_sandbox
def test_a_task_that_fails_ends_with_1_and_an_input_that_is_refused_with_2(file: Path) -> None:
    failed = ainur("try", str(file), "--input", "{}")
    assert failed.returncode == 1
    assert "KeyError" in failed.stderr
    refused = ainur("try", str(file), "--input", "{")
    assert refused.returncode == 2
    assert "no JSON" in refused.stderr
    late = ainur("try", str(file), "--input", "{}", "--deadline", "0.01")
    assert late.returncode == 1


def test_a_builtin_agent_is_tried_by_its_name_with_fields_from_files() -> None:
    done = ainur("try", "lead", "--field", "text=@README.md", "--field", "sentences=1", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["version"] == 1
    assert shown["output"]["sentences"] == 1
    piped = ainur("try", "formatted", "--input", "-", given='{"code": "x=1"}')
    assert json.loads(piped.stdout) == {"code": "x = 1\n", "changed": True}


def test_all_builtin_agents_are_listed() -> None:
    shown = json.loads(ainur("list", "--json").stdout)["agents"]
    assert len(shown) == 11
    text = ainur("list").stdout
    assert all(row["name"] in text for row in shown)


def test_an_unknown_agent_is_answered_with_those_that_are_known() -> None:
    done = ainur("try", "nobody")
    assert done.returncode == 2
    assert "textrank (text.summarize)" in done.stderr


@needs_sandbox
def test_the_network_and_a_key_are_the_operators_to_allow(file: Path) -> None:
    with served("openai") as url:
        file.write_text(
            "from ainur import agent\n"
            f"ask = agent.openai('m', prompt='$text', base_url='{url}/v1', key_env='THE_KEY',\n"
            "    capability='text.shout', price='1 AINU')\n"
        )
        task = ("try", str(file), "--input", '{"text": "hello"}')
        refused = ainur(*task, THE_KEY=KEY)
        assert refused.returncode == 2
        assert "--allow-network" in refused.stderr
        unkeyed = ainur(*task, "--allow-network", THE_KEY=KEY)
        assert unkeyed.returncode == 2
        assert "--env THE_KEY" in unkeyed.stderr
        done = ainur(*task, "--allow-network", "--env", "THE_KEY", THE_KEY=KEY)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"text": "HELLO "}
        assert KEY not in done.stdout + done.stderr + refused.stderr + unkeyed.stderr


def test_without_bubblewrap_foreign_code_is_refused_and_what_stays_open_is_said(
    file: Path, tmp_path: Path
) -> None:
    # A PATH without it: this Python is reached by its full path.
    refused = ainur("check", str(file), PATH=str(tmp_path))
    assert refused.returncode == 2
    assert "bubblewrap is not installed" in refused.stderr
    assert "--allow-unsandboxed" in refused.stderr
    allowed = ainur("check", str(file), "--allow-unsandboxed", PATH=str(tmp_path))
    assert allowed.returncode == 0, allowed.stderr
    assert "sandbox: NONE" in allowed.stdout
    assert "left open    every file" in allowed.stdout


@needs_sandbox
def test_the_nodes_own_folder_stays_hidden_even_inside_what_was_granted(
    file: Path, tmp_path: Path
) -> None:
    own = tmp_path / "granted" / "ainur"
    (own / "keys").mkdir(parents=True)
    (own / "keys" / "node.json").write_text("secret")
    file.write_text(
        "from ainur import agent\nimport os\n"
        "@agent(capability='a.b', price=1)\n"
        "async def look(task):\n    return [name for _, _, names in os.walk(task.input) for name in names]\n"
    )
    granted = str(tmp_path / "granted")
    done = ainur(
        "try", str(file), "--with", granted, "--input", json.dumps(granted), AINUR_HOME=str(own)
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
