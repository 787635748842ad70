// A lesson, or another document, on the page: its text, its code, and the last run of each cell in its place.

import { element } from "./nodes.js";
import { framed, visible } from "./output.js";

const ORIGIN = "lesson"; // of code that is no cell of it, such as its setup: the audience does not see it

export class Lesson {
  constructor({ title, document, parts, is_document: isDocument = false }) {
    Object.assign(this, { title, document, isDocument });
    this.parts = parts.map((part, number) => ({
      cell: part.cell || "",
      title: part.title || "",
      code: part.cell ? bared(part.text) : "",
      node: part.cell ? unrun(part) : prose(number),
    }));
  }

  // The name of the cell that an execution in this document has run; empty: none that is shown. Cells of
  // a document may have been opened anew or edited since.
  cellOf({ cell, code }) {
    if (!this.isDocument || this.parts.some(part => part.cell && part.cell === cell.cell)) return cell.cell;
    const same = this.parts.find(part => part.cell && part.code === bared(code));
    if (same) return same.cell;
    const titled = this.parts.filter(part => part.cell && part.title && part.title === cell.title);
    return titled.length === 1 ? titled[0].cell : "";
  }

  // The nodes of the page in their order. `cardNode` gives the node of an execution by its id.
  // `hasEarlier`: there are executions that the page does not hold, and code may have run in them.
  nodes(executions, hasEarlier, cardNode) {
    const runs = new Map();
    const others = [];
    for (const execution of executions) {
      const { id, cell, origin } = execution;
      const own = cell?.document === this.document ? this.cellOf(execution) : null;
      if (own) runs.set(own, id);
      else if (this.isDocument || (own === null && (cell || origin !== ORIGIN))) others.push(id);
    }
    for (const { node } of this.parts) {
      const status = node.querySelector(".status");
      if (status) status.textContent = hasEarlier ? "not among the executions shown" : "not run yet";
    }
    const placed = this.parts.map(({ cell, node }) => (cell && runs.has(cell) ? cardNode(runs.get(cell)) : node));
    return [...placed, ...others.map(cardNode)];
  }
}

function bared(code) {
  return code.replace(/^\s*\n|\s+$/g, "");
}

function prose(number) {
  const node = element("section", "prose");
  node.append(framed({ part: number }, "Text of the lesson"));
  return node;
}

// Code that has not run yet.
function unrun({ text, title }) {
  const node = element("article", "card");
  node.dataset.status = "unrun";
  node.tabIndex = -1;
  const head = element("header");
  head.append(element("span", "prompt", "[ ]"), element("span", "title", visible(title || "")), element("span", "status"));
  node.append(head, element("pre", "code", visible(text.replace(/\n+$/, ""))));
  return node;
}
