"""The files around the code: workflow, hooks, scripts, documentation."""

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.installed import ROOT

WORKFLOW = ROOT / ".github/workflows/ci.yml"
SCRIPTS = sorted(path for path in [*(ROOT / "scripts").iterdir(), ROOT / ".ci/run"] if path.suffix == "")
SCRIPTS = [path for path in SCRIPTS if path.is_file()]


def tool(name: str, *arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name(name), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@cache
def files() -> list[Path]:
    """Every file that is, or would be, committed; all of them where git is not there to say."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        return [path for folder in ("src", "tests", "docs", "scripts") for path in (ROOT / folder).rglob("*.*")]
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(("schema", "path"), [("github-workflows", WORKFLOW), ("dependabot", ".github/dependabot.yml")])
def test_the_workflow_files_follow_their_schema(schema: str, path: Path | str) -> None:
    done = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", path)
    assert done.returncode == 0, done.stdout


def test_every_action_is_pinned_to_a_commit() -> None:
    used = re.findall(r"uses: (\S+)", WORKFLOW.read_text())
    assert used
    assert not [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)]


def test_the_workflow_may_only_read() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert not [name for name, job in workflow["jobs"].items() if "permissions" in job]


def test_the_workflow_covers_every_promised_python_and_set_of_dependencies() -> None:
    matrix: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.12", "3.13"]
    assert {"test", "test-newest"} <= set(matrix["target"])
    assert {"python": "3.12", "target": "test-lowest"} in matrix["include"]


def test_every_hook_is_local_and_fetches_nothing() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}
    assert {hook["language"] for repository in hooks["repos"] for hook in repository["hooks"]} == {"system"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_can_be_run(script: Path) -> None:
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
    assert script.stat().st_mode & 0o111, "not executable"
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_command_of_the_makefile_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (names,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    explained = re.findall(r"^([a-z-]+):.*## \w", makefile, re.MULTILINE)
    assert sorted(names.split()) == sorted(explained)
    assert {"demo", "test", "check", "bench", "docs"} <= set(explained)


def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    config = (ROOT / "zensical.toml").read_text()
    (tmp_path / "zensical.toml").write_text(config.replace('paths = ["src"]', f'paths = ["{ROOT / "src"}"]'))
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    done = tool("zensical", "build", "--strict", cwd=tmp_path)
    assert done.returncode == 0, re.sub(r"\x1b\[[\d;]*m", "", done.stdout)
    assert "PluginAbstract" in (tmp_path / "site/reference/plugins.html").read_text()


def test_no_file_names_a_registry_or_somebodys_machine() -> None:
    # Put together here, so that this file does not name them either.
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
    folders = ["/".join(parts) for parts in (("", "root", ""), ("", "home", ""), ("", "Users", ""), ("", "work", ""))]
    found = []
    for path in files():
        text = path.read_text(errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {word}" for word in [*hosts, *folders] if word in text]
    assert not found
