"""Settings: who wins, who is remembered, and what is said of those that cannot be used."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from codeexec.config.docs import section_docs
from codeexec.config.keys import keys
from codeexec.config.load import Loaded, load
from codeexec.config.manual import manual
from codeexec.config.model import Docker, Sessions, Settings
from codeexec.config.remotes import read_remote
from codeexec.domain.errors import UsageError
from codeexec.environments.docker.policy import Policy
from codeexec.environments.trust.store import FullTrust
from codeexec.session.settings import HostSettings
from codeexec.tui.graphics.probe import WAYS


class Home:
    def __init__(self, folder: Path) -> None:
        self.config = folder / "config"
        self.project = folder / "project" / "deep"
        (self.config / "codeexec-tui").mkdir(parents=True)
        self.project.mkdir(parents=True)
        self.user_file = self.config / "codeexec-tui" / "config.toml"
        self.project_file = folder / "project" / ".codeexec.toml"

    def load(self, flags: Mapping[str, object] | None = None, **variables: str) -> Loaded:
        return load(self.project, flags, {"XDG_CONFIG_HOME": str(self.config), **variables})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_all_is_as_by_default_when_nobody_speaks(home: Home) -> None:
    loaded = home.load()
    assert loaded.checked() == Settings()
    assert {str(origin) for origin in loaded.origins.values()} == {"default"}


def test_the_nearest_voice_wins_key_by_key(home: Home) -> None:
    home.user_file.write_text("[editor]\ntab_size = 2\nsoft_wrap = true\nline_numbers = false\n")
    home.project_file.write_text("[editor]\ntab_size = 3\nsoft_wrap = false\n")
    loaded = home.load({"editor.keymap": "vim"}, CODEEXEC_EDITOR_TAB_SIZE="8")
    editor = loaded.checked().editor
    assert (editor.tab_size, editor.soft_wrap, editor.line_numbers) == (8, False, False)
    assert editor.keymap == "vim"
    said = {name: str(loaded.origins[f"editor.{name}"]) for name in ("tab_size", "soft_wrap")}
    assert said == {
        "tab_size": "environment CODEEXEC_EDITOR_TAB_SIZE",
        "soft_wrap": f"project {home.project_file}",
    }
    assert str(loaded.origins["editor.line_numbers"]) == f"user {home.user_file}"
    assert str(loaded.origins["editor.keymap"]) == "flag --keymap"


def test_a_flag_that_was_not_given_says_nothing(home: Home) -> None:
    loaded = home.load({"kernel.name": None}, CODEEXEC_KERNEL_NAME="other")
    assert loaded.settings.kernel.name == "other"


@pytest.mark.parametrize(
    ("content", "said", "step"),
    [
        ("[editor]\ntab_size = 'x'\n", "editor.tab_size: 'x' is not a whole number", "Give"),
        ("[editor]\ntab_size = -1\n", "editor.tab_size: -1 is not", "Give"),
        ("[editor]\ntab_size = true\n", "editor.tab_size: True is not", "Give"),
        ("[editor]\nsoft_wrap = 1\n", "editor.soft_wrap: 1 is not true or false", "Give"),
        ("[editor]\nkeymap = 'nano'\n", "editor.keymap: 'nano' is not one of", "Give one of"),
        ("[editor]\ntab_sizes = 1\n", "editor.tab_sizes: there is no such", "editor.tab_size?"),
        ("theme = 'x'\n", "theme: there is no such setting", "config show"),
        ("[editor\n", "line 1", "Correct that line"),
        ("[notify]\nafter = nan\n", "notify.after: nan is not", "Give a number"),
    ],
)
def test_what_cannot_be_used_is_said_with_file_key_and_step(
    home: Home, content: str, said: str, step: str
) -> None:
    home.user_file.write_text(content)
    loaded = home.load()
    assert loaded.settings == Settings()
    (problem,) = loaded.problems
    assert str(problem).startswith(str(home.user_file))
    assert said in str(problem)
    assert step in problem.next_step
    with pytest.raises(UsageError, match=r"config\.toml"):
        loaded.checked()


def test_a_file_that_is_not_utf_8_is_said(home: Home) -> None:
    home.user_file.write_bytes(b"[editor]\n# \xe4\n")
    (problem,) = home.load().problems
    assert "line 2 is not UTF-8" in str(problem)


def test_a_wrong_value_leaves_the_next_voice(home: Home) -> None:
    home.user_file.write_text("[editor]\ntab_size = 2\n")
    loaded = home.load(CODEEXEC_EDITOR_TAB_SIZE="many")
    assert loaded.settings.editor.tab_size == 2
    assert loaded.problems[0].place == "CODEEXEC_EDITOR_TAB_SIZE"


@pytest.mark.parametrize(
    ("word", "value"), [("1", True), ("yes", True), ("OFF", False), ("", False)]
)
def test_words_of_the_environment(home: Home, word: str, value: bool) -> None:
    assert home.load(CODEEXEC_EDITOR_SOFT_WRAP=word).checked().editor.soft_wrap is value


def test_every_setting_and_table_is_explained() -> None:
    assert [key.name for key in keys() if len(key.doc) < 10] == []
    assert [name for name, doc in section_docs().items() if len(doc) < 10] == []


def test_the_manual_is_a_file_that_changes_nothing(home: Home) -> None:
    home.user_file.write_text(manual())
    assert home.load().checked() == Settings()


def test_the_manual_holds_the_defaults(home: Home) -> None:
    lines = [line.removeprefix("# ") if " = " in line else line for line in manual().splitlines()]
    tables = tomllib.loads("\n".join(line for line in lines if not line.startswith("# ")))
    for key in keys():
        section, _, name = key.name.partition(".")
        assert tables[section][name] == key.default


def test_sessions_are_what_a_host_can_be_told() -> None:
    ours = {name: getattr(Sessions(), name) for name in Sessions.__struct_fields__}
    assert {name: getattr(HostSettings(), name) for name in ours} == ours


def test_containers_are_what_a_policy_can_be_told() -> None:
    ours = {*Docker.__struct_fields__} - {
        "engine",
        "context",
        "image",
        "policy",
        "transport",
        "spare",
    }
    assert ours == {*Policy.__struct_fields__} - {"name"}
    assert Docker().wanted == "locked"
    assert Docker(policy="network", memory="2GB", cpus="2").wanted == "network memory=2GB cpus=2"


def test_a_project_does_not_choose_what_confines_it(home: Home) -> None:
    home.project_file.write_text('[docker]\nimage = "own:1"\npolicy = "open"\nnetwork = "bridge"\n')
    loaded = load(home.project, environ={"XDG_CONFIG_HOME": str(home.config)}, trust=FullTrust())
    assert loaded.settings.docker.image == "own:1"
    assert loaded.settings.docker.wanted == "locked"
    assert [problem.key for problem in loaded.problems] == ["docker.policy", "docker.network"]
    assert "own file" in loaded.problems[0].next_step


def test_pictures_are_drawn_in_ways_that_there_are() -> None:
    key = next(key for key in keys() if key.name == "appearance.images")
    assert key.accepts == "one of " + ", ".join(("auto", *WAYS))


def test_build_profiles_are_those_of_the_user_and_of_a_trusted_project(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.user_file.write_text(
        '[programs.profiles.fast]\nbase = "release"\nflags = ["-march=native"]\n'
        '[programs.profiles.modern]\nstandard = "c++23"\ncompiler = "clang++"\n'
    )
    home.project_file.write_text('[programs.profiles.fast]\nflags = "-O1 \\"-DA=b c\\""\n')
    loaded = home.load()
    assert loaded.problems == ()
    assert [profile.name for profile in loaded.settings.programs.profiles] == ["fast", "modern"]
    assert loaded.settings.programs.profiles[0].flags == ("-march=native",)
    assert [setting.key for setting in loaded.withheld] == ["programs.profiles"]

    trusting = load(home.project, {}, {"XDG_CONFIG_HOME": str(home.config)}, FullTrust())
    fast, modern = trusting.settings.programs.profiles
    assert (fast.base, fast.flags) == ("", ("-O1", "-DA=b c"))
    assert (modern.standard, modern.compiler) == ("c++23", "clang++")
    assert trusting.origins["programs.profiles.fast"].place == str(home.project_file)


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("profiles = 3", "programs.profiles", "it is no table."),
        ("profiles.fast = 3", "programs.profiles.fast", "The build profile fast is no table."),
        ('profiles."-x".base = "debug"', "programs.profiles.-x", "is no name of a build profile."),
        (
            'profiles.debug.base = "release"',
            "programs.profiles.debug",
            "is a build profile of ours.",
        ),
        (
            'profiles.fast.bases = "debug"',
            "programs.profiles.fast",
            "A build profile has no bases.",
        ),
        (
            'profiles.fast.base = "quick"',
            "programs.profiles.fast",
            "There is no build profile 'quick'.",
        ),
        (
            'profiles.fast.standard = "c++21"',
            "programs.profiles.fast",
            "There is no standard 'c++21'.",
        ),
        (
            'profiles.fast.language = "bash"',
            "programs.profiles.fast",
            "bash is no language that is built.",
        ),
        ("profiles.fast.flags = [3]", "programs.profiles.fast", "are no list of words."),
        ("profiles.fast.flags = '-D\"'", "programs.profiles.fast", "a quotation mark is open."),
        (
            "profiles.fast.compiler = 3",
            "programs.profiles.fast",
            "compiler of the build profile fast",
        ),
        ("profile.fast.base = 'debug'", "programs.profile", "there is no such setting."),
    ],
)
def test_a_build_profile_that_cannot_be_used_is_told(
    tmp_path: Path, text: str, key: str, words: str
) -> None:
    home = Home(tmp_path)
    home.user_file.write_text(f"[programs]\n{text}\n")
    (problem,) = home.load().problems
    assert problem.key == key
    assert words in problem.message
    assert problem.next_step


def test_variables_for_a_gateway_are_texts_of_the_settings() -> None:
    table = {"url": "http://h/", "kernel_env": {"KERNEL_USERNAME": "ann"}}
    assert read_remote("eg", table).kernel_env == (("KERNEL_USERNAME", "ann"),)
    for wrong in ({"KERNEL_X": 1}, {"PATH": "/"}, "KERNEL_X=1"):
        with pytest.raises(UsageError, match="kernel_env"):
            read_remote("eg", {"url": "http://h/", "kernel_env": wrong})


def test_a_machine_over_ssh_has_the_command_that_starts_jobs() -> None:
    launch = "srun --time=1:00:00 {command}"
    assert read_remote("ann@lab", {"launch": launch}).launch == launch
    for name, table, problem in (
        ("lab", {"launch": "srun"}, "must have {command} once"),
        ("lab", {"launch": "srun 'x {command}"}, "no command line"),
        ("lab", {"launch": launch, "url": "http://h/"}, "stands alone"),
        ("lab:folder", {"launch": launch}, "no host"),
        ("-lab", {"launch": launch}, "no host"),
    ):
        with pytest.raises(UsageError, match=problem):
            read_remote(name, table)
