"""npm's `oidc-provider`, a certified OpenID provider, as a private server that can be killed and rotated."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import Any, ClassVar

from fastapi_factory_utilities.testing.servers import BackendNotAvailable, PrivateServer

__all__ = ["OidcProvider"]

_HERE = Path(__file__).parent / "provider"
_CACHE = Path(__file__).parents[3] / ".cache"
_CLIENT = b64encode(b"shop:a+secret+of+tests").decode()  # form-encoded first (RFC 6749, section 2.3.1)
_INSTALL_SECONDS = 120


class OidcProvider(PrivateServer):
    """The provider: issues JWT access tokens by client credentials, rotates and withdraws keys when it is told to."""

    backend: ClassVar[str] = "oidc-provider"

    @property
    def uri(self) -> str:
        """The issuer."""
        return f"http://{self.host}:{self.port}"

    def command(self) -> list[str]:
        """See `PrivateServer.command`."""
        if (node := shutil.which("node")) is None:
            raise BackendNotAvailable(self.backend, "install Node.js and npm")
        modules = f"OIDC_PROVIDER_MODULES={installed()}"
        return ["env", modules, node, str(_HERE / "server.mjs"), str(self.port), str(self.folder)]

    def answers(self) -> bool:
        """Whether it tells its metadata."""
        try:
            self.ask("/.well-known/openid-configuration")
        except OSError:
            return False
        return True

    def token(self, alg: str = "RS256", scope: str = "books:read") -> str:
        """Have a token issued, signed by that algorithm."""
        form = {"grant_type": "client_credentials", "scope": scope, "resource": f"urn:books:{alg}"}
        return str(self.ask("/token", urllib.parse.urlencode(form), Authorization=f"Basic {_CLIENT}")["access_token"])

    def rotate(self) -> None:
        """Sign with new keys from now on, and publish the ones before as well."""
        self.ask("/tests/rotate", "")

    def withdraw(self) -> None:
        """Publish only the keys that sign."""
        self.ask("/tests/withdraw", "")

    def asked(self, path: str) -> int:
        """How many times a path was asked for."""
        return int(self.ask("/tests/asked").get(path, 0))

    def ask(self, path: str, form: str | None = None, **headers: str) -> dict[str, Any]:
        """Ask it something."""
        data = None if form is None else form.encode()
        request = urllib.request.Request(self.uri + path, data, headers)  # noqa: S310 - it is ours, on loopback
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - it is ours, on loopback
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                raise OSError(f"{path}: {error.code}: {error.read().decode()}") from None


def installed() -> Path:
    """Return the folder with the provider's modules; they are installed once, by npm.

    Raises:
        BackendNotAvailable: npm is not here, or cannot install them.
    """
    if (npm := shutil.which("npm")) is None:
        raise BackendNotAvailable("oidc-provider", "install Node.js and npm")
    lock = (_HERE / "package-lock.json").read_bytes()
    folder = _CACHE / f"oidc-provider-{hashlib.sha256(lock).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as turn:  # xdist's workers take turns
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(_HERE / name, folder)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
            try:
                subprocess.run(
                    command, cwd=folder, check=True, capture_output=True, timeout=_INSTALL_SECONDS, env=os.environ
                )
            except (subprocess.SubprocessError, OSError) as error:
                raise BackendNotAvailable(
                    "oidc-provider", "connect this machine to an npm registry (`npm ci` failed)"
                ) from error
            (folder / "complete").touch()
    return folder
