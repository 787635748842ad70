"""What a project's settings may choose before it is trusted, and what the answer changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.config import trust
from codeexec.config.guarded import is_guarded
from codeexec.config.keys import keys
from codeexec.config.load import Loaded, load
from codeexec.environments.trust.store import TrustStore

LOOK = '[editor]\ntab_size = 3\n[appearance]\ntheme = "dusk"\n'


class Place:
    """A project, and a user with settings and state of their own."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "project"
        self.folder.mkdir()
        self.file = self.folder / ".codeexec.toml"
        self.environ = {
            "HOME": str(root / "home"),
            "XDG_CONFIG_HOME": str(root / "config"),
            "XDG_STATE_HOME": str(root / "state"),
        }
        self.store = TrustStore(environ=self.environ)
        self.user_file = root / "config" / "codeexec-tui" / "config.toml"
        self.user_file.parent.mkdir(parents=True)

    def load(self) -> Loaded:
        return load(self.folder, environ=self.environ)

    def examine(self, folder: Path | None = None, file: Path | None = None) -> trust.Standing:
        return trust.examine(folder or self.folder, file, self.environ)

    def grant(self, folder: Path | None = None) -> None:
        trust.grant(folder or self.folder, environ=self.environ)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def plant(folder: Path) -> str:
    """An interpreter of the folder's own."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return str(python)


def test_every_table_but_looks_waits_for_trust() -> None:
    guarded = {key.name.partition(".")[0] for key in keys() if is_guarded(key.name)}
    assert guarded == {"agents", "docker", "kernel", "session", "terminal"}
    assert is_guarded("hooks.open")  # a table that is added later
    assert is_guarded("kernel")


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ('[kernel]\nname = "./python"', "kernel.name"),
        ('[kernel]\nname = "evil"', "kernel.name"),
        ('[kernel]\nbackend = "local"', "kernel.backend"),
        ('[docker]\nimage = "evil:1"', "docker.image"),
        ('[session]\nplugins = ["plugins"]', "session.plugins"),
    ],
)
def test_what_chooses_what_runs_counts_only_after_trust(place: Place, said: str, key: str) -> None:
    place.user_file.write_text('[kernel]\nbackend = "docker"\nname = "mine"\n')
    place.file.write_text(f"{LOOK}{said}\n")
    before = place.load()
    assert [each.key for each in before.withheld] == [key]
    assert before.checked().editor.tab_size == 3  # looks count
    assert (before.settings.kernel.backend, before.settings.kernel.name) == ("docker", "mine")
    assert before.settings.docker.image == ""
    assert place.examine().is_question
    place.grant()
    after = place.load()
    assert after.withheld == ()
    assert after.origins[key].layer == "project"
    assert not place.examine().is_restricted


@pytest.mark.parametrize("layer", ["user", "environment"])
def test_plugins_that_the_user_names_wait_for_trust_of_the_folder_that_has_them(
    place: Place, layer: str
) -> None:
    mine = place.user_file.with_name("mine.py")
    mine.touch()
    if layer == "user":
        place.user_file.write_text(f'[session]\nplugins = ["{mine}", "plugins"]\n')
    else:
        place.environ["CODEEXEC_SESSION_PLUGINS"] = f"{mine} plugins"
    words = f"{mine} plugins"
    assert place.load().settings.session.plugins == words  # the folder has none
    (place.folder / "plugins").mkdir()
    before = place.load()
    assert before.settings.session.plugins == ""
    assert [each.key for each in before.withheld] == ["session.plugins"]
    assert place.examine().is_question
    place.grant()
    assert place.load().settings.session.plugins == words
    assert not place.examine().is_restricted


def test_a_project_may_always_confine_its_code(place: Place) -> None:
    place.file.write_text('[kernel]\nbackend = "docker"\n')
    assert place.load().settings.kernel.backend == "docker"
    assert not place.examine().is_restricted


def test_settings_that_changed_since_are_asked_about_again(place: Place) -> None:
    place.file.write_text('[kernel]\nname = "one"\n')
    place.grant()
    place.file.write_text(f'{LOOK}[kernel]\nname = "one"\n')
    assert place.load().settings.kernel.name == "one"
    place.file.write_text('[kernel]\nname = "other"\n')
    assert place.load().settings.kernel.name == ""
    assert place.examine().is_question


def test_settings_that_came_after_trust_are_asked_about(place: Place) -> None:
    plant(place.folder)
    place.grant()
    assert not place.examine().is_restricted
    place.file.write_text('[kernel]\nname = "new"\n')
    assert [each.words for each in place.examine().findings] == [
        ".codeexec.toml: kernel.name = 'new'"
    ]


def test_a_relative_kernel_of_the_users_own_is_a_file_of_the_folder(place: Place) -> None:
    place.user_file.write_text('[kernel]\nname = ".venv"\n')
    assert place.load().settings.kernel.name == ".venv"  # nothing is there, and an error says so
    plant(place.folder)
    assert place.load().settings.kernel.name == ""
    place.grant()
    assert place.load().settings.kernel.name == ".venv"


def test_there_is_no_question_where_nothing_would_be_executed(place: Place) -> None:
    place.file.write_text(LOOK)
    (place.folder / ".venv").mkdir()
    standing = place.examine()
    assert (standing.is_restricted, standing.is_trusted) == (False, None)


def test_a_no_is_remembered(place: Place) -> None:
    plant(place.folder)
    trust.restrict(place.folder, place.environ)
    standing = place.examine()
    assert standing.is_restricted
    assert not standing.is_question
    place.grant()
    assert not place.examine().is_restricted


def test_trust_of_a_folder_covers_what_counts_in_it_from_above(place: Place) -> None:
    deep = place.folder / "a" / "b"
    (other := place.folder / "other").mkdir(parents=True)
    deep.mkdir(parents=True)
    plant(place.folder)
    plant(other)
    assert place.examine(deep).is_question
    place.grant(deep)
    assert not place.examine(deep).is_restricted
    assert not place.examine(place.folder).is_restricted  # that very environment was agreed to
    assert place.examine(other).is_question  # not what lies beside


def test_a_file_that_is_opened_brings_the_environment_beside_it(place: Place) -> None:
    inner = place.folder / "inner"
    plant(inner)
    assert not place.examine().is_restricted
    assert place.examine(file=inner / "x.py").is_question
    place.store.record_mount(str(inner))
    trust.grant(place.folder, inner / "x.py", place.environ)
    assert not place.examine(file=inner / "x.py").is_restricted


def test_the_home_folder_is_trusted_for_itself_alone(place: Place) -> None:
    home = Path(place.environ["HOME"])
    plant(home)
    plant(home / "clone")
    place.grant(home)
    assert not place.examine(home).is_restricted
    assert place.examine(home / "clone").is_question


def test_a_mounted_folder_is_asked_about_again(place: Place) -> None:
    plant(place.folder)
    place.grant()
    place.store.record_mount(str(place.folder))
    standing = place.examine()
    assert standing.is_question
    assert standing.was_mounted


def test_trust_is_taken_back_below_a_trusted_folder_too(place: Place) -> None:
    inner = place.folder / "inner"
    plant(inner)
    place.grant()
    assert not place.examine(inner).is_restricted
    assert trust.forget(inner, place.environ)
    assert place.examine(inner).is_restricted
    assert not trust.forget(inner, place.environ)


def test_the_interpreter_that_runs_code_already_is_no_question(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = plant(place.folder)
    other_name = Path(python).with_name("python3")
    other_name.symlink_to("python")
    elsewhere = place.folder.parent / "elsewhere"
    elsewhere.symlink_to(place.folder)
    same = str(elsewhere / ".venv/bin/python3")

    def is_question(uses: str) -> bool:
        return trust.examine(place.folder, None, place.environ, uses).is_question

    assert not is_question(same)
    stranger = place.folder.parent / "python"
    stranger.symlink_to(python)
    assert is_question(str(stranger)), "a link from another folder has another environment"
    assert is_question("")
    monkeypatch.setattr("sys.executable", same)
    assert not is_question("")
