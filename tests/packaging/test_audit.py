"""`scripts/audit`, against a vulnerability database on loopback that speaks OSV's protocol."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.packaging.installed import ROOT

Known = dict[tuple[str, str], str]

CANARY = {("jinja2", "2.10"): "CVE-2019-10906"}


@contextmanager
def database(known: Known) -> Iterator[str]:
    """Serve a database that knows of these releases, and yield the URL to ask."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            cve = known.get((asked["package"]["name"], asked["version"]))
            found: dict[str, Any] = {"vulns": [{"id": cve, "summary": "", "affected": []}]} if cve else {}
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        log_message: Callable[..., None] = staticmethod(lambda *_: None)

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
            thread.join()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "scripts/audit")
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [script, "--vulnerability-service", "osv", "--osv-url", url, "--timeout", "5"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_an_audit_whose_database_answers_is_green() -> None:
    with database(CANARY) as url:
        done = audit(url)
    assert done.returncode == 0, done.stderr
    assert "No known vulnerabilities found" in done.stderr


def test_a_vulnerable_pin_turns_the_audit_red() -> None:
    name, version = next(
        line.split(" ")[0].split("==")
        for line in (ROOT / "requirements/dev.txt").read_text().splitlines()
        if line.startswith("fastapi==")
    )
    with database({**CANARY, (name, version): "CVE-2099-0001"}) as url:
        done = audit(url)
    assert done.returncode != 0
    assert "CVE-2099-0001" in done.stdout


def test_a_database_that_knows_nothing_is_not_an_audit() -> None:
    with database({}) as url:
        done = audit(url)
    assert done.returncode != 0
    assert "NOT AUDITED" in done.stderr


def test_a_database_that_does_not_answer_is_not_an_audit() -> None:
    with database({}) as url:
        pass
    done = audit(url)
    assert done.returncode != 0
    assert "NOT AUDITED" in done.stderr
