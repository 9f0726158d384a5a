"""Whatever else a provider publishes, a good key is read; and nothing but our own error comes out.

`JWKS_EXAMPLES` is how many sets are tried; by default 100.
"""

import asyncio
import json
import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from fastapi_factory_utilities.core.security.jwt.sources.reading import read_keys

EXAMPLES = int(os.environ.get("JWKS_EXAMPLES", "100"))
GOOD = ECKey.generate_key("P-256", {"kid": "good", "alg": "ES256"}).as_dict(private=False)
KEYS = [
    RSAKey.generate_key(2048, {"kid": "rsa"}).as_dict(private=False),
    ECKey.generate_key("P-384", {"kid": "ec"}).as_dict(private=False),
    OKPKey.generate_key("Ed25519", {"kid": "okp"}).as_dict(private=False),
]

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=5), scalars, max_size=3)
names = st.sampled_from(["kty", "kid", "use", "key_ops", "alg", "crv", "n", "e", "x", "y", "d", "k", "x5c", "x5t"])
members = values | st.builds(
    lambda key, change: {**key, **change}, st.sampled_from(KEYS), st.dictionaries(names, values, max_size=3)
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(others=st.lists(members.filter(lambda member: not (isinstance(member, dict) and member.get("kid") == "good"))))
def test_no_key_hinders_another(others: list[object]) -> None:
    document = json.dumps({"keys": [*others, GOOD]}).encode()
    found = asyncio.run(read_keys(document, "https://login.example/keys"))
    assert found.find("good", "ES256") is not None
