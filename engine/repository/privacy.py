"""Tells which files are private.  They are never read as context and get no suggestions.

Only names decide, because to look for secrets inside a file would already be to read it.  The
faces and the engine all ask `is_secret`.  `engine.repository.secret_files` asks it for every name
of a file on disk.

======================================  =====================================================
names                                   what they hold
======================================  =====================================================
``.env``, ``.env.*``, ``*.env``,        settings with passwords; their templates
``.envrc``                              (``.env.example`` …) are public
``*.pem *.key *.ppk *.p8 *.p12 *.pfx    private keys, certificates, key stores
*.jks *.keystore *.crt *.cer *.der
*.asc *.gpg *.pgp *.kdbx``
``id_rsa* id_dsa* id_ecdsa* id_ed25519*``  SSH keys
``.netrc .pgpass .my.cnf .htpasswd      logins of tools
.npmrc .pypirc .git-credentials …``
``credentials credentials.* *secret*    data files whose names say so
secrets.* service-account*.json …``     (``secrets.py`` is code and stays public)
``*.tfstate* *.tfvars *.ovpn``          infrastructure with passwords in it
``.ssh/ .aws/ .gnupg/ .kube/ …``        everything in these folders
``.spark-*.tmp``                        what a save of this program writes first, of any file
``.env~ server.key.bak #.env# …``       copies of all these, as editors and people name them
======================================  =====================================================
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase, translate
from pathlib import Path, PurePath
from unicodedata import normalize

from engine.errors import PromptError
from engine.repository.own_patterns import own_match

__all__ = ["PATTERNS", "PUBLIC_PATTERNS", "is_secret", "refuse_secret"]

PATTERNS: tuple[str, ...] = (
    # settings with passwords
    ".env",
    ".env.*",
    ".env-*",
    ".env_*",
    "*.env",
    ".envrc",
    ".flaskenv",
    # keys, certificates, key stores
    "*.pem",
    "*.key",
    "*.ppk",
    "*.p7b",
    "*.p7c",
    "*.p8",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.crt",
    "*.cer",
    "*.der",
    "*.csr",
    "*.asc",
    "*.gpg",
    "*.pgp",
    "*.kdb",
    "*.kdbx",
    "*.keychain",
    "*.keychain-db",
    "*.agekey",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    # logins of tools
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".mylogin.cnf",
    ".htpasswd",
    ".htdigest",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".git-credentials",
    ".dockercfg",
    ".docker/config.json",
    ".terraformrc",
    ".vault-token",
    ".vault_pass*",
    "kubeconfig",
    "*.kubeconfig",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".psql_history",
    # files that name themselves so
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.y*ml",
    "credentials.ini",
    "credentials.csv",
    "credentials.xml",
    "credentials.txt",
    "credentials.properties",
    ".credentials*",
    "*_credentials.json",
    "*-credentials.json",
    "client_secret*.json",
    "service-account*.json",
    "service_account*.json",
    "secret.json",
    "secret.toml",
    "secret.y*ml",
    "secret.txt",
    "secrets",
    "secrets.json",
    "secrets.toml",
    "secrets.y*ml",
    "secrets.ini",
    "secrets.txt",
    "secrets.xml",
    "secrets.properties",
    "*.secret",
    "*.secrets",
    ".secrets*",
    "passwords.*",
    "passwd",
    "shadow",
    "*.password",
    "*.token",
    # infrastructure with passwords in it
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
    "*.tfvars.json",
    "*.ovpn",
    "*.rdp",
    # what a save writes first (`tui.files.half_saved`): it does not tell of which file
    ".spark-*.tmp",
    # everything in these folders
    ".ssh/",
    ".aws/",
    ".azure/",
    ".gcloud/",
    ".config/gcloud/",
    ".gnupg/",
    ".kube/",
    ".password-store/",
    ".secrets/",
)
"""Patterns of private files.  One that ends with ``/`` names a folder, one with ``/`` inside names
the end of a path, any other a file.  ``*``, ``?`` and ``[…]`` as in a shell; case is ignored."""

PUBLIC_PATTERNS: tuple[str, ...] = (
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
    "id_rsa*.py",
    "id_dsa*.py",
    "id_ecdsa*.py",
    "id_ed25519*.py",
)
"""Exceptions: names that match a pattern but hold no secret.  Not valid in a private folder."""

# One match per part of a path settles nearly all files, and a repository has thousands.
_CANDIDATE = re.compile(
    "|".join(translate(pattern.strip("/").rpartition("/")[2]) for pattern in PATTERNS)
)


def is_secret(path: str | Path, extra: Sequence[str] = ()) -> str | None:
    """Return the pattern that makes a file private; None if it is not private.

    Args:
        path: The file, absolute or relative; it need not exist.
        extra: More patterns, from a person's settings (`engine.repository.own_patterns`).  They
            come first, and `PUBLIC_PATTERNS` makes no exception to them.

    Example:
        >>> is_secret("deploy/.env.production")
        '.env.*'
        >>> is_secret("app/secrets.py") is None
        True
    """
    parts = [_plain(part) for part in PurePath(str(path).replace("\\", "/")).parts]
    names = _copied(parts[-1]) if parts else ()
    found = (_pattern_of([*parts[:-1], name], extra) for name in (*parts[-1:], *names))
    return next((pattern for pattern in found if pattern is not None), None)


def _pattern_of(parts: list[str], extra: Sequence[str]) -> str | None:
    """Return the pattern of one name."""
    own_parts = [part for part in parts if part != "/"]
    for pattern in extra:
        if own_match(own_parts, pattern):
            return pattern
    if not any(map(_CANDIDATE.match, parts)):
        return None
    public = any(_matches(parts, pattern) for pattern in PUBLIC_PATTERNS)
    for pattern in PATTERNS:
        if (pattern.endswith("/") or not public) and _matches(parts, pattern):
            return pattern
    return None


def _plain(part: str) -> str:
    """Return a part of a path as patterns have it: without case, and in plain letters."""
    return (part if part.isascii() else normalize("NFKC", part)).casefold()


_LONGEST_NAME = 255
"""Characters; no file system in use has longer names."""
_COPY = re.compile(
    r"^ | $|~$|^\.#"
    r"|\.(?:bac?k|backup|bkp|old|orig|save|saved|copy|sw[a-p]|tmp|temp|\d{1,3}|"
    r"gz|bz2|xz|zst|dpkg-\w+|rpm(?:save|new|orig))$"
)
"""What makes the name of a copy: Emacs's, Vim's, a package manager's, a person's."""


def _copied(name: str) -> Sequence[str]:
    """Return the names of which a name may be the copy: of ``.server.key.swp`` ``server.key``."""
    if len(name) > _LONGEST_NAME:
        return ()
    plain = name[1:-1] if len(name) > 2 and name[0] == name[-1] == "#" else name
    while (shorter := _COPY.sub("", plain)) not in (plain, ""):
        plain = shorter
    if plain == name:
        return ()
    return (plain, plain[1:]) if plain.startswith(".") else (plain,)


def refuse_secret(path: str, extra: Sequence[str] = (), repository: str | None = None) -> None:
    """Raise an error if a request is about a private file.

    Args:
        path: The file, relative to the repository if there is one.
        extra: As for `is_secret`.
        repository: The repository's folder.

    Raises:
        PromptError: It is.
    """
    pattern = is_secret(Path(repository or "", path), extra)
    if pattern is not None:
        raise PromptError(
            f"{path} is private: it matches {pattern!r}, and such files are never read as context, "
            "completed or edited"
        )


def _matches(parts: list[str], pattern: str) -> bool:
    """Return whether a path, given as case-folded parts, matches one pattern."""
    wanted = pattern.casefold().strip("/").split("/")
    if pattern.endswith("/"):
        folders = parts[:-1]
        starts = range(len(folders) - len(wanted) + 1)
        return any(_parts_match(folders[i : i + len(wanted)], wanted) for i in starts)
    return _parts_match(parts[-len(wanted) :], wanted)


def _parts_match(parts: list[str], wanted: list[str]) -> bool:
    """Return whether each part matches the pattern at its position."""
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
