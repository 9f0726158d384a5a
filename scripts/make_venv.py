"""Build the development environment; called by scripts/setup, which has found this Python and knows what is wanted.

Only the standard library is used: nothing is installed yet.
"""

import argparse
import fcntl
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = "requirements/dev.txt"
RESOLUTIONS = {
    "pinned": ["--constraint", PINS],
    "newest": ["--upgrade"],
    "lowest": ["--resolution", "lowest-direct"],
}


def main() -> int:
    """Bring the environment to the wanted state and stamp it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--deps", choices=RESOLUTIONS, required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--stamp", required=True)
    wanted = parser.parse_args()

    os.chdir(ROOT)
    stamp: Path = wanted.venv / ".stamp"
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with this process, however it ends
        if is_usable(wanted.venv) and stamp.exists() and stamp.read_text() == wanted.stamp:
            return 0  # another run did it while we waited
        try:
            if is_usable(wanted.venv):
                stamp.unlink(missing_ok=True)
            else:
                create(wanted.venv)
            install(wanted.venv, wanted.deps, wanted.group)
        except subprocess.CalledProcessError as error:
            print(f"setup: {' '.join(map(str, error.cmd))} failed (see above)", file=sys.stderr)
            return 1
        # Whole or not at all: a half-written stamp must not be mistaken for a finished environment.
        draft = stamp.with_suffix(".new")
        draft.write_text(wanted.stamp)
        draft.replace(stamp)
    return 0


def is_usable(venv: Path) -> bool:
    """Tell whether the environment runs, sits where it was made, and is of the Python that runs this script."""
    show = "import sys; print(sys.version_info[:3], sys.base_prefix)"
    try:
        found = subprocess.run([venv / "bin/python", "-c", show], capture_output=True, text=True, check=True).stdout
        made_at = (venv / "bin/activate").read_text()
    except (OSError, subprocess.CalledProcessError):
        return False
    return found.strip() == f"{sys.version_info[:3]} {sys.base_prefix}" and str(ROOT / venv) in made_at


def create(venv: Path) -> None:
    """Make an empty environment, in the place of whatever is there."""
    print(f"setup: making {venv} with Python {sys.version.split()[0]}", file=sys.stderr)
    if venv.is_symlink() or venv.is_file():
        venv.unlink()
    run([sys.executable, "-m", "venv", "--without-pip", "--clear", venv])


def install(venv: Path, deps: str, group: str) -> None:
    """Install the library editable with all extras, and the tools of the group."""
    python = venv / "bin/python"
    uv = venv / "bin/uv"
    if not runs(uv):
        bootstrap(python)
    print(f"setup: installing the library and its {deps} dependencies", file=sys.stderr)
    what = [*RESOLUTIONS[deps], "--editable", ".[all]", "--group", group]
    # Compiled now, once: tests start many processes, and a machine may be told to write no bytecode while it runs them.
    run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *what])
    run([python, "-m", "compileall", "-q", "src"])


def bootstrap(python: Path) -> None:
    """Put the pinned uv into the environment: with a uv of this machine, else with pip, else with Python's own copy."""
    # Forced, because an interrupted installation may have left its records without its program.
    wanted = ["install", "--quiet", "--force-reinstall", "--constraint", PINS, "uv"]
    if runs("uv"):
        run(["uv", "pip", *wanted, "--python", python])
    elif runs(sys.executable, "-m", "pip"):
        run([sys.executable, "-m", "pip", "--python", python, *wanted])
    else:
        run([python, "-m", "ensurepip"])
        run([python, "-m", "pip", *wanted])


def runs(*command: str | Path) -> bool:
    """Tell whether a command is there and really runs."""
    try:
        return subprocess.run([*command, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(command: list[str | Path]) -> None:
    """Run a command with its output visible."""
    subprocess.run(command, check=True, env=installer_environment())


def installer_environment() -> dict[str, str]:
    """Return the environment for installers: uv does not read pip's settings, so a mirror set there is handed on."""
    values = dict(os.environ)
    mirror = values.get("PIP_INDEX_URL")
    if mirror is None:
        ask = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        mirror = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    if mirror:
        values.setdefault("UV_DEFAULT_INDEX", mirror)
    return values


if __name__ == "__main__":
    sys.exit(main())
