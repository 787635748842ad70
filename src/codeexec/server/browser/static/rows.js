// Runs of output as rows.

export function rowsOf(runs) {
  const rows = [];
  for (const run of runs || []) {
    if (run.display) rows.push({ kind: "display", display: run.display });
    else if (run.error) rows.push({ kind: "error", error: run.error });
    else for (const text of (run.text || "").split("\n")) rows.push({ kind: run.kind, text });
  }
  return rows;
}
