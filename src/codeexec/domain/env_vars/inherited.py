"""What a session inherits of the server's environment: all, an allow-list, or all but some names.

The rule travels in the environment of the session, as the variable RULE, so that it reaches every
place that starts a process. `secret.without_secrets` applies it last, and removes it.
"""

# Standard library alone: it is imported before the first kernel is started.

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

RULE = "CODEEXEC_INHERIT"
USER_PATH = "CODEEXEC_USER_PATH"
"""PATH as the user has it: ours is without `.` and other relative folders."""

LISTED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "LANG", "LANGUAGE", "LC_*", "TZ"),
    *("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "TMPDIR", "TEMP", "TMP", "XDG_*"),
    *(
        "VIRTUAL_ENV",
        "CONDA_*",
        "MAMBA_*",
        "PYTHON*",
        "JUPYTER_PATH",
        "JUPYTER_*_DIR",
        "IPYTHONDIR",
    ),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PKG_CONFIG_PATH", "CMAKE_PREFIX_PATH"),
    *("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "MAKEFLAGS", "JAVA_HOME"),
    *("CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "GOPATH", "GOROOT", "GOCACHE", "GOFLAGS"),
    *("CUDA_*", "NVIDIA_*", "OMP_*", "MKL_*", "OPENBLAS_*", "MPLBACKEND", "MPLCONFIGDIR"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CODEEXEC_MARK", USER_PATH),
)
"""Names of the allow-list. Proxies are not among them: their addresses may hold passwords."""

PROPOSED = ("*_API_KEY", "*_TOKEN", "AWS_*")
"""Names that `doctor` proposes to hide from interactive sessions."""


def user_path(environ: Mapping[str, str]) -> str:
    """PATH as the user has it."""
    return environ.get(USER_PATH) or environ.get("PATH", os.defpath)


def name_patterns(text: str) -> tuple[str, ...]:
    """The words of a setting, between blanks or commas."""
    return tuple(text.replace(",", " ").split())


def with_rule(
    env: Mapping[str, str], *, listed_only: bool, hidden: Sequence[str]
) -> dict[str, str]:
    """The variables of a session with the rule for those of the server. A rule that a client has
    set does not count."""
    own = {name: value for name, value in env.items() if name != RULE}
    if not listed_only and not hidden:
        return own
    import json

    rule = {"listed_only": listed_only, "hidden": list(hidden), "own": list(own)}
    return {**own, RULE: json.dumps(rule)}


def without_rule(env: Mapping[str, str]) -> dict[str, str]:
    """For a container, which gets nothing of the server's environment."""
    return {name: value for name, value in env.items() if name != RULE}


def rule_of(env: Mapping[str, str]) -> dict[str, str]:
    """The rule alone, where `env` has one."""
    return {RULE: env[RULE]} if RULE in env else {}


def is_listed_only(env: Mapping[str, str]) -> bool:
    """Whether the rule in `env` is the allow-list, as it is in sessions of the service."""
    return RULE in env and bool(_read(env[RULE]).get("listed_only", True))


def apply_rule(environ: Mapping[str, str], inherited: Mapping[str, str]) -> dict[str, str]:
    """`environ` without the rule in it, and without what it takes from `inherited` against the
    rule. What was set for the process itself stays."""
    rule = _read(environ[RULE])
    own = rule.get("own", ())
    hidden = rule.get("hidden", ())
    listed_only = bool(rule.get("listed_only", True))

    def passes(name: str) -> bool:
        if name == RULE:
            return False
        if name in own or environ[name] != inherited.get(name):
            return True
        if listed_only and not matches(name, LISTED):
            return False
        return not matches(name, hidden)

    return {name: value for name, value in environ.items() if passes(name)}


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns (`AWS_*`) is the name's."""
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _read(text: str) -> dict[str, tuple[str, ...]]:
    """The rule; the allow-list where the text is none."""
    import json

    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
