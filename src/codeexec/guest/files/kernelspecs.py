"""Lists the kernelspecs of the machine where it runs, as one line of JSON, by the standard library.

Called as `python3 -I -c SOURCE NAME`: of the kernelspec NAME all is told, of the others the title,
the language and the program that it starts.
`program` is the path of what the kernelspec starts, or of the program NAME where there is none.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys

LARGEST = 1 << 20
MOST = 300


def roots() -> list[tuple[str, str]]:
    """(folder, prefix of the environment that it is in or "") in the order of their precedence."""
    home = os.path.expanduser("~")
    folders = [(path, "") for path in os.environ.get("JUPYTER_PATH", "").split(os.pathsep)]
    data = os.environ.get("JUPYTER_DATA_DIR", "")
    if not data and sys.platform == "darwin":
        data = os.path.join(home, "Library", "Jupyter")
    base = os.environ.get("XDG_DATA_HOME", "") or os.path.join(home, ".local", "share")
    folders.append((data or os.path.join(base, "jupyter"), ""))
    prefixes = [sys.prefix]
    for program in ("jupyter", "python3", "python"):
        path = shutil.which(program)
        if path:
            # A link of a virtual environment leads to the Python that it was made with.
            paths = (os.path.abspath(path), os.path.realpath(path))
            prefixes += [os.path.dirname(os.path.dirname(own)) for own in paths]
    folders += [(os.path.join(prefix, "share", "jupyter"), prefix) for prefix in prefixes]
    folders += [("/usr/local/share/jupyter", ""), ("/usr/share/jupyter", "")]
    return [(path, prefix) for path, prefix in folders if os.path.isabs(path)]


def read(folder: str) -> dict[str, object] | None:
    """What the kernel.json in `folder` says; None where it cannot be read."""
    try:
        handle = os.open(os.path.join(folder, "kernel.json"), os.O_RDONLY | os.O_NONBLOCK)
        with open(handle, encoding="utf-8") as file:
            is_plain = stat.S_ISREG(os.fstat(handle).st_mode)
            spec = json.loads(file.read(LARGEST)) if is_plain else None
    except (OSError, ValueError, RecursionError):
        return None
    return spec if isinstance(spec, dict) else None


def program_of(spec: dict[str, object], prefix: str) -> str:
    """The path of what the kernelspec starts; empty where it is not there."""
    argv = spec.get("argv")
    if not isinstance(argv, list) or not argv or not isinstance(argv[0], str):
        return ""
    name = argv[0]
    if prefix and os.sep not in name and name.startswith("python"):
        own = os.path.join(prefix, "bin", name)
        if os.access(own, os.X_OK):
            return own
    return shutil.which(name) or ""


def variables_for(spec: dict[str, object]) -> dict[str, str]:
    """Those of this machine that the values of its variables may name."""
    env = spec.get("env")
    text = " ".join(map(str, env.values())) if isinstance(env, dict) else ""
    return {name: value for name, value in os.environ.items() if name in text}


def main() -> None:
    wanted = sys.argv[1]
    titles: dict[str, str] = {}
    languages: dict[str, str] = {}
    programs: dict[str, str] = {}
    answer: dict[str, object] = {"titles": titles, "languages": languages, "programs": programs}
    answer["program"] = shutil.which(wanted) or ""
    for root, prefix in roots():
        kernels = os.path.join(root, "kernels")
        try:
            entries = sorted(os.listdir(kernels))
        except OSError:
            continue
        for entry in entries:
            name, folder = entry.lower(), os.path.join(kernels, entry)
            spec = read(folder) if name not in titles and len(titles) < MOST else None
            if spec is None:
                continue
            titles[name] = str(spec.get("display_name") or name)[:100]
            languages[name] = str(spec.get("language") or "")[:100]
            programs[name] = program_of(spec, prefix)
            if name == wanted.lower():
                answer["spec"], answer["folder"] = spec, folder
                answer["program"] = program_of(spec, prefix)
                answer["environ"] = variables_for(spec)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
