"""Shell scripts that run on the machine of a Jupyter server, in its terminals.

A server starts a terminal with the command that it is given. It reports no exit status and no
process id, sends no signal, and forgets a terminal and its output as soon as the command has
ended. So the command is our script START, which writes status and process id as marks into the
output, and waits for a line from us before it ends. POSIX sh; processes are read from /proc.
"""

from __future__ import annotations

MARK = "\033]7788;"
"""Begins a mark in the output, an OSC sequence: MARK, NONCE, `;`, FIELDS, MARK_END. It is not shown
by terminals of others that join."""
MARK_END = "\007"
NONCE_VARIABLE = "CODEEXEC_TERMINAL"
GO = "\n"
"""What the script waits for at its start and at its end."""

START = r"""
nonce=$CODEEXEC_TERMINAL
unset CODEEXEC_TERMINAL
say() { printf '\033]7788;%s;%s\007' "$nonce" "$1"; }
folder=$1
shift
stty -echo 2>/dev/null
say ready
IFS= read -r go
stty echo 2>/dev/null
cd -- "${JUPYTER_SERVER_ROOT:-.}/$folder" 2>/dev/null || { say folder; exit 1; }
command -v -- "$1" >/dev/null 2>&1 || { say missing; exit 127; }
trap : INT QUIT
exec 3>&2 2>/dev/null  # a shell says there how its command was killed
(
exec 2>&3 3>&-
exec /bin/sh -c '
    printf "\033]7788;%s;run;%s;%s\007" "$1" "$$" "$2"
    shift 2
    exec "$@"
' sh "$nonce" "$$" "$@"
)
code=$?
stty sane -echo 2>/dev/null
say "end;$code"
IFS= read -r go
"""
"""Its arguments are a folder below the server's root, and the command. Marks: `ready`; then
`folder` or `missing`, or `run;PID;SESSION` with the process ids of the command and of this script,
which leads the session; at last `end;STATUS`, as a shell tells it."""

SIGNAL = r"""
line=$(cat "/proc/$2/stat" 2>/dev/null)
[ -n "$line" ] || line="-) S 0 0 0 0 $(ps -o tpgid= -p "$2")"
set -- "$1" "$2" ${line##*) }
group=${8:-0}
[ "$group" -gt 0 ] || group=$2
kill "-$1" "-$group"
"""
"""Sends the signal $1 to the group in the foreground of the terminal whose session is $2."""

END_SESSION = r"""
session=$1
for stat in /proc/[0-9]*/stat; do
    { IFS= read -r line <"$stat"; } 2>/dev/null || continue
    pid=${stat#/proc/}
    set -- ${line##*) }
    [ "$4" = "$session" ] && kill -9 "${pid%/stat}"
done
"""
"""Ends all processes of the session $1, also those that ignore a hangup."""
