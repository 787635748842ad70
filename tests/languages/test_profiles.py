"""Build profiles of a user's own: which are offered, and what is built with them."""

from __future__ import annotations

import pytest

from codeexec.domain.errors import UsageError
from codeexec.languages.catalog import by_name
from codeexec.languages.plan import PlanOptions, make_plan
from codeexec.languages.profiles import BuildProfile, BuildWords, profiles_of, resolve

FAST = BuildProfile("fast", "release", ("-march=native",))
MODERN = BuildProfile("modern", "", ("-Wextra",), "clang++", "c++23")
CHECKED = BuildProfile("checked", "sanitize", language="c")
OWN = (FAST, MODERN, CHECKED)
PLACES = {"output": "out", "depfile": "d"}


def test_profiles_are_offered_where_their_base_and_standard_are() -> None:
    ours = ["debug", "release", "sanitize", "coverage"]
    assert profiles_of(by_name("cpp"), OWN) == [*ours, "fast", "modern"]
    assert profiles_of(by_name("c"), OWN) == [*ours, "fast", "checked"]
    assert profiles_of(by_name("rust"), OWN) == ["debug", "release", "fast"]
    assert profiles_of(by_name("bash"), OWN) == []


def test_what_is_chosen_beside_a_profile_wins() -> None:
    cpp = by_name("cpp")
    chosen = BuildWords("modern", "", "", ("-O1",))
    assert resolve(cpp, OWN, chosen) == ("", "clang++", "c++23", ("-Wextra", "-O1"))
    chosen = BuildWords("modern", "g++", "c++17")
    assert resolve(cpp, OWN, chosen) == ("", "g++", "c++17", ("-Wextra",))
    assert resolve(cpp, OWN, BuildWords("release")) == BuildWords("release")
    assert resolve(cpp, OWN, BuildWords()) == BuildWords()


def test_a_profile_that_is_not_there_is_told_with_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        resolve(by_name("cpp"), OWN, BuildWords("quick"))
    assert caught.value.message == "C++ has no build profile 'quick'."
    assert caught.value.next_step == "It has debug, release, sanitize, coverage, fast, modern."
    with pytest.raises(UsageError, match="Rust is not built with the profile modern"):
        resolve(by_name("rust"), OWN, BuildWords("modern"))


def test_a_standard_takes_the_place_of_the_first() -> None:
    cpp = by_name("cpp")
    plain = make_plan(cpp, "a.cpp", ["g++"], PLACES, PlanOptions())
    assert plain.build[:2] == ("g++", "-std=c++20")
    chosen = make_plan(cpp, "a.cpp", ["g++"], PLACES, PlanOptions(standard="gnu++17"))
    assert chosen.build[:2] == ("g++", "-std=gnu++17")
    rust = make_plan(by_name("rust"), "a.rs", ["rustc"], PLACES, PlanOptions(standard="2018"))
    assert "--edition=2018" in rust.build
    with pytest.raises(UsageError, match=r"C\+\+ has no standard 'c\+\+21'"):
        make_plan(cpp, "a.cpp", ["g++"], PLACES, PlanOptions(standard="c++21"))
    with pytest.raises(UsageError, match="Shell has no standard"):
        make_plan(by_name("bash"), "a.sh", ["bash"], {}, PlanOptions(standard="posix"))
