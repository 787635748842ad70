"""Cells of C++: what is declared, what is run, and the program that is made of them."""

from __future__ import annotations

import pytest

from codeexec.domain.options import CodeAbove
from codeexec.languages.cells.compose import compose, is_whole_program, lay_out
from codeexec.languages.cells.pieces import split

PATH = "/notes/a.md"

# D: declaration, V: variable, L: variable after the first statement, S: statement
ROLES = [
    ("#include <iostream>", "D"),
    ("#include <vector>\n#include <map>\nusing namespace std;\nusing std::cout;", "DDDD"),
    ("namespace a { int x; }\nnamespace b = a;\nnamespace a::c { void f(); }", "DDD"),
    ("struct P { int x; };\nclass Q : public P { public: Q(); };\nunion U { int a; };", "DDD"),
    ("enum E { A, B };\nenum class F : char { C };\nclass Forward;\nstruct Later;", "DDDD"),
    ("struct P { int x; } p{1};", "D"),
    ("typedef int I;\nusing J = int;\ntemplate <class T> using K = T*;", "DDD"),
    ("template <class T> T id(T a) { return a; }", "D"),
    ("template <class T> struct S { T a; };\ntemplate <> struct S<int> { };", "DD"),
    ("template <class T> concept C = requires(T a) { a.f(); };", "D"),
    ("template <class T> constexpr T pi = T(3.14);\ntemplate struct S<int>;", "DD"),
    ("int f() { return 1; }\nauto g(int x) -> int { return x; }", "DD"),
    ("int f(int);\ndouble g(double a, const T& b);\nvoid h();", "DDD"),
    ("std::string name(const std::string&, int = 3);", "D"),
    ("int P::get() const { return x; }\nP::P() : x(1) {}\nint P::count = 0;", "DDD"),
    ("std::ostream& operator<<(std::ostream& o, const P& p) { return o; }", "D"),
    ('extern "C" { int q(); }\nextern int z;\ninline int w = 1;', "DDD"),
    ("#define N 3\n#define F(x) \\\n  (x)\n#undef N", "DDD"),
    ("#pragma once\nint f() { return 1; }", "DD"),
    ("#ifdef A\nint f();\n#else\nstruct P {};\n#endif", "D"),
    ("#ifdef A\nstd::cout << 1;\n#endif", "S"),
    ("#if A == 1\nint x = 1;\n#else\nint x = 2;\n#endif", "V"),
    ("#pragma omp parallel for\nfor (;;) {}", "SS"),
    ("int x = f();", "V"),
    ("int a = 1, *b, c[3] = {1, 2};", "V"),
    ("auto [a, b] = p;\nauto& [c, d] = q;", "VV"),
    ("const int n = 3;\nconstexpr double pi = 3.14;\nstatic int counter;", "VVV"),
    ('std::vector<int> v{1, 2}, w(3, 1);\nstd::map<std::string, int> m = {{"a", 1}};', "VV"),
    ("T x(y);\nstd::string s(name);", "VV"),
    ("auto f = [&](int x) { return x; };\nint (*fp)(int) = f;", "VV"),
    ("std::thread t([] {});\nstd::lock_guard<std::mutex> g(m);", "VV"),
    ('const char* s = R"x(\n}; " )x";', "V"),
    ("int x = 1;\nx = 2;\nint y = x;\nint f() { return 1; }", "VSLD"),
    ("std::cout << y;\nstd::cin >> n;", "SS"),
    ("foo(x);\nf(1) + g(2);\n!x;\n(void)x;\n*p = 1;", "SSSSS"),
    ("v.push_back(1);\np->q();\na[0] = 2;\nx++;\ndelete p;", "SSSSS"),
    ("for (int i = 0; i < 3; ++i) x += i;\nfor (auto& [k, v] : m) f(k);", "SS"),
    ("if (auto it = m.find(1); it != m.end()) {} else {}\nwhile (x) {}\ndo {} while (0);", "SSS"),
    ("try { f(); } catch (const E& e) {}\nswitch (1) { case 1: break; }\n{ int x; }", "SSS"),
    ("return 3;\nthrow 1;\ngoto a;\na: ;", "SSSS"),
    ("static_assert(sizeof(int) == 4);", "S"),
    ("/* only */ // comments\n", ""),
    ("", ""),
    ("\n\n;", "S"),
    ("struct Ü { int é; };\nÜ ü{1};\nstd::cout << ü.é;", "DVS"),
]


@pytest.mark.parametrize(("code", "roles"), ROLES, ids=[code[:40] for code, _ in ROLES])
def test_roles(code: str, roles: str) -> None:
    pieces = split(code).pieces
    letters = {"declaration": "D", "variable": "V", "statement": "S"}
    found = ["L" if piece.is_late else letters[piece.role] for piece in pieces]
    assert "".join(found) == roles
    # Nothing but comments and blanks is in no piece.
    source = bytearray(code.encode())
    for piece in pieces:
        source[piece.start : piece.end] = b" " * (piece.end - piece.start)
    rest = source.decode()
    assert not rest.strip() or rest.lstrip().startswith(("/*", "//"))


@pytest.mark.parametrize(
    ("code", "is_whole"),
    [
        ("int main() {}", True),
        ("#include <cstdio>\nint main(int argc, char** argv) { return 0; }", True),
        ("auto main() -> int { }", True),
        ("int domain() {}", False),
        ("// int main() {}\nmain_();", False),
        ('auto s = "int main() {}";', False),
        ("namespace a { int main() { return 1; } }", False),
        ("int main();", False),
    ],
)
def test_a_cell_with_a_main_is_a_program(code: str, *, is_whole: bool) -> None:
    assert is_whole_program(code) is is_whole


def program(*codes: str) -> str:
    """The program of the last cell, without the lines of line numbers and blanks."""
    text = composed(*codes)[0]
    lines = [line.strip() for line in text.split("\n")]
    return "\n".join(line for line in lines if line and not line.startswith(("# ", "(void)")))


def composed(*codes: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    line, cells = 0, []
    for code in codes:
        cells.append(CodeAbove(code, line + 1))
        line += len(code.split("\n")) + 1
    made = compose(cells[:-1], cells[-1], lay_out(cells), PATH)
    return made.text, made.renewed, made.remarks


MAIN = "int main(int argc, char** argv) {"


def test_declarations_of_cells_above_are_carried_and_their_statements_are_not() -> None:
    text = program("struct P {};\nint f() { return 1; }\nf();", "f();")
    assert text == f"struct P {{}};\nint f() {{ return 1; }}\n{MAIN}\nf();\n}}"


def test_variables_that_a_cell_uses_are_made_anew_in_main() -> None:
    text, renewed, _ = composed(
        "int a = 1, b = 2;\nint c = a;\nint unused = 9;", "int a = 5;\ng(a + c);"
    )
    assert renewed == ("a", "b", "c")
    assert "unused" not in text
    main = program("int a = 1, b = 2;\nint c = a;", "int a = 5;\ng(a + c);")
    assert main == f"{MAIN}\nint a = 1, b = 2;\nint c = a;\n{{\nint a = 5;\ng(a + c);\n}}}}"


def test_a_variable_that_a_function_uses_stands_outside_of_main() -> None:
    assert program("int n = 0;", "void inc() { n++; }\ninc();") == (
        f"int n = 0;\nvoid inc() {{ n++; }}\n{MAIN}\ninc();\n}}"
    )
    # of its own names none is used
    assert program("int n = 0;\nint f(int n) { return n; }\nf(n);").startswith("int f")
    # what its value needs comes along, and a later one of the same name does not
    text = program("int a = 1;\nint b = a;\nint f() { return b; }", "int b = 3;\nf();")
    assert text == (
        f"int a = 1;\nint b = a;\nint f() {{ return b; }}\n{MAIN}\nint b = 3;\nf();\n}}"
    )


def test_a_class_a_template_and_a_macro_use_variables_too() -> None:
    for user in ("struct P { int x = n; };", "template <class T> T f() { return n; }"):
        assert program("int n = 1;", user).startswith("int n = 1;\n")
    assert program("int n = 1;\n#define TWICE (2 * n)", "g(TWICE);") == (
        f"int n = 1;\n#define TWICE (2 * n)\n{MAIN}\ng(TWICE);\n}}"
    )


def test_arrays_stand_outside_of_main_for_their_size() -> None:
    grid = "const int n = 1000;\ndouble grid[n][n];"
    assert program(grid, "grid[1][1] = 2;").startswith(f"{grid}\n{MAIN}")
    assert program("int n = 3;\nint a[n];\na[0] = 1;").startswith(MAIN)


def test_a_late_variable_belongs_to_its_cell() -> None:
    text, renewed, remarks = composed("int n;\nread(n);\nint twice = 2 * n;", "show(twice);")
    assert "twice" not in text.replace("show(twice)", "")
    assert renewed == ()
    (remark,) = remarks
    assert remark.startswith("twice: declared in the cell of line 2 after its first statement")


def test_a_whole_program_above_is_not_carried() -> None:
    text, _, remarks = composed("int f() { return 1; }\nint main() {}", "f();")
    assert "return 1" not in text
    assert "a main of its own" in remarks[0]


BROKEN = [
    "int f() { return 1;",
    "struct P { int x;",
    'const char* s = "abc;\nint g();',
    "int x = 1; /* never closed",
    "#if 1\nint g();",
    'auto s = R"(never closed',
    "void f() { g(; }}",
]


@pytest.mark.parametrize("code", BROKEN)
def test_an_error_above_does_not_reach_into_the_cells_below(code: str) -> None:
    text, _, remarks = composed(f"int good() {{ return 1; }}\n{code}", "int own();\ngood();")
    assert "int good() { return 1; }" in text
    assert code not in text
    assert remarks[0].startswith("Left out of the cell of line 2: what begins on line ")
    assert text.count("{") == text.count("}")


def test_lines_of_the_program_have_those_of_the_document() -> None:
    text, _, _ = composed("int f() { return 1; }", "\n  f();\n  g();  // end\nh()")
    lines = text.split("\n")
    assert lines[lines.index("int f() { return 1; }") - 1] == f'# 2 "{PATH}" 3'
    at = lines.index("  f();")
    assert lines[at - 1] == f'# 5 "{PATH}"'
    assert lines[-4:-1] == ["h()", f'# 7 "{PATH}"', "}"]


def test_cells_without_places_stand_one_after_the_other() -> None:
    layout = lay_out([CodeAbove("a\nb"), CodeAbove("c"), CodeAbove("d", 9)])
    assert layout.text.split("\n") == ["a", "b", "c", *[""] * 6, "d", ""]
    assert [layout.cell_at(line) for line in (0, 1, 2, 5, 9)] == [0, 0, 1, 1, 2]


def test_a_line_that_is_continued_does_not_take_ours() -> None:
    text, _, _ = composed("f();\n#define A 1 \\")
    assert "#define A 1 \\\n\n" in text


def test_the_path_is_quoted() -> None:
    cell = CodeAbove("f();")
    made = compose([], cell, lay_out([cell]), '/a"b\\c')
    assert r'# 1 "/a\"b\\c"' in made.text
