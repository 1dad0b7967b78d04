from pathlib import Path

import pytest

from engine.repository.privacy import PATTERNS, _copied, is_secret

SECRET = [
    ".env~",
    "#.env#",
    ".#.env",
    "..env.swp",
    ".server.key.swp",
    "server.key.bak",
    "server.pem~",
    "x.key.bak~",
    "credentials.json.old",
    "secrets.yaml.orig",
    "key.p12.2",
    "backup.pem.gz",
    "．env",
    ".env ",
    ".env",
    ".env.local",
    ".ENV",
    "config/.env.production",
    "prod.env",
    ".envrc",
    "server.pem",
    "tls/SERVER.KEY",
    "cert.crt",
    "cert.cer",
    "a.der",
    "store.p12",
    "store.pfx",
    "store.jks",
    "vault.kdbx",
    "id_rsa",
    "id_rsa.pub",
    "id_ed25519",
    "ID_ECDSA_old",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".htpasswd",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".docker/config.json",
    "credentials",
    "credentials.json",
    ".aws/credentials",
    ".aws/config",
    "home/.ssh/config",
    ".ssh/known_hosts",
    ".gnupg/pubring.kbx",
    "x.gpg",
    "x.asc",
    "secrets.yaml",
    "secrets.yml",
    "secret.toml",
    "secrets.json",
    "service-account.json",
    "service_account_prod.json",
    "client_secret_123.json",
    "gcp-credentials.json",
    "terraform.tfstate",
    "terraform.tfstate.backup",
    "prod.tfvars",
    "office.ovpn",
    ".kube/config",
    "kubeconfig",
    ".config/gcloud/access_tokens.db",
    ".password-store/mail.txt",
    "api.token",
    ".vault-token",
    "/home/me/.ssh/notes.py",
    "C:\\Users\\me\\.aws\\credentials",
]

PUBLIC = [
    "main.py",
    "environment.py",
    ".envelope",
    "env.py",
    "keys.py",
    "key.py",
    "monkey.py",
    "secrets.py",
    "secret.py",
    "tokens.py",
    "credentials.py",
    "src/secrets/vault.py",
    ".env.example",
    ".env.template",
    "id_rsa_parser.py",
    "ssh/client.py",
    "aws/credentials_provider.py",
    "pem.py",
    "README.md",
    "token.rs",
    "shadow.css",
    "passwords_test.go",
    "docs/keys.md",
    "config.json",
    "tfstate.py",
]


@pytest.mark.parametrize("path", SECRET)
def test_private_files_are_known(path):
    assert is_secret(path) in PATTERNS


@pytest.mark.parametrize("path", PUBLIC)
def test_other_files_are_not_private(path):
    assert is_secret(path) is None


def test_a_public_name_does_not_open_a_private_folder():
    assert is_secret(".ssh/.env.example") == ".ssh/"


def test_paths_may_be_path_objects():
    assert is_secret(Path("a") / ".env") == ".env"


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("notes/diary.md", "diary.*"),
        ("Private/x.py", "private/"),
        ("a/b/c.txt", "b/c.txt"),
        (".env.example", "*.example"),
    ],
)
def test_extra_patterns_count(path, pattern):
    assert is_secret(path) != pattern
    assert is_secret(path, extra=[pattern]) == pattern


def test_an_extra_pattern_for_a_folder_does_not_match_a_file():
    assert is_secret("private", extra=["private/"]) is None


def test_the_documentation_names_every_kind():
    import engine.repository.privacy

    for sign in (".env", ".pem", ".key", "id_rsa", ".p12", ".kdbx", ".netrc", ".tfstate", ".ssh/"):
        assert sign.strip("*") in engine.repository.privacy.__doc__


@pytest.mark.parametrize("path", ["main.py~", "secrets.py.bak", "#", "##", "~", ".bak", "notes.1"])
def test_copies_of_public_files_are_public(path):
    assert is_secret(path) is None


def test_a_copy_is_protected_by_a_persons_own_pattern_too():
    assert is_secret("a/dump.sql.bak", ("*.sql",)) == "*.sql"


def test_a_name_longer_than_any_file_has_is_no_copy():
    assert _copied("x" + ".bak" * 60) == ("x",)
    assert _copied("x" + ".bak" * 6000) == ()
