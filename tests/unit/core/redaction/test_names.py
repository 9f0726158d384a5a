import pytest

from fastapi_factory_utilities.core.redaction import is_secret_name

SECRETS = """
password PASSWORD db_password passwd pwd user_pwd passphrase secret client_secret SecretKey token access_token
refreshToken tokens Authorization proxy-authorization cookie Set-Cookie cookies api_key apiKey X-Api-Key credential
credentials private_key access_key auth ssl_keyfile_password
"""
OTHERS = """
user path key monkey author authority token_count cookie_jar_size passed compass book_id status bypass
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_names_of_secrets_are_recognised(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_other_names_are_not(name: str) -> None:
    assert not is_secret_name(name)
