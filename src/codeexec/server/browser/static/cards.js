// Executions as cards: their head, code, rows and notes.

import { button, element, placeNodes } from "./nodes.js";
import { visible } from "./output.js";

const STATES = { queued: "queued", running: "running", ok: "done", error: "failed", cancelled: "cancelled", timed_out: "timed out", lost: "lost" };

export class Card {
  // `rowNode` makes the node of a row from it and the fields of its address.
  constructor(id, rowNode, showEarlier) {
    this.id = id;
    this.rowNode = rowNode;
    this.rowNodes = new WeakMap();
    this.node = element("article", "card");
    this.node.id = id;
    this.node.tabIndex = -1;
    this.head = element("header");
    this.code = element("pre", "code");
    this.earlier = button("earlier", "", () => showEarlier(this));
    this.rows = element("div", "rows");
    this.note = element("p", "note");
    this.node.append(this.head, this.code, this.earlier, this.rows, this.note);
  }

  show(execution) {
    this.node.dataset.status = execution.status;
    this.node.setAttribute("aria-label", `${promptOf(execution)} ${STATES[execution.status]}`);
    this.head.replaceChildren(
      element("span", "prompt", promptOf(execution)),
      element("span", "title", titleOf(execution)),
      element("span", "status", statusOf(execution)),
    );
    const code = visible(execution.code.replace(/\n+$/, ""));
    if (this.code.textContent !== code) this.code.textContent = code;
    this.code.hidden = !code;
    this.earlier.hidden = execution.first === 0;
    this.earlier.textContent = `Show earlier rows (${execution.first.toLocaleString("en")})`;
    this.showRows(execution);
    const note = noteOf(execution);
    this.note.textContent = note;
    this.note.hidden = !note;
  }

  showRows(execution) {
    const from = execution.changedFrom;
    if (from === Infinity) return;
    execution.changedFrom = Infinity;
    const wanted = execution.rows.slice(from).map((row, index) => {
      let node = this.rowNodes.get(row);
      if (!node) {
        node = this.rowNode(row, { execution: execution.id, start: execution.first + from + index });
        this.rowNodes.set(row, node);
      }
      return node;
    });
    placeNodes(this.rows, wanted, from);
  }
}

function promptOf(execution) {
  return `[${execution.count ?? " "}]`;
}

function titleOf(execution) {
  const { cell } = execution;
  if (!cell) return execution.agent ? "by an agent" : "";
  const document = cell.document.split("/").pop();
  return visible([document, cell.title].filter(Boolean).join(" · ")) + (execution.agent ? " · by an agent" : "");
}

function statusOf(execution) {
  const state = execution.confirm ? "waits for confirmation" : STATES[execution.status] || execution.status;
  if (!execution.startedAt || !execution.finishedAt) return state;
  const seconds = execution.finishedAt - execution.startedAt;
  const time = seconds < 1 ? `${Math.round(seconds * 1000)} ms` : seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${state}, ${time}`;
}

function noteOf(execution) {
  if (execution.stdin) return `Waits for input: ${visible((execution.stdin.prompt || "").trim())}`;
  return visible(execution.reason);
}
