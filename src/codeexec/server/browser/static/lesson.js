// A lesson on the page: its text, its code, and the last run of each cell in its place.

import { element } from "./nodes.js";
import { framed, visible } from "./output.js";

const ORIGIN = "lesson"; // of code that is no cell of it, such as its setup: the audience does not see it

export class Lesson {
  constructor({ title, document, parts }) {
    Object.assign(this, { title, document });
    this.parts = parts.map((part, number) => ({ cell: part.cell || "", node: part.cell ? unrun(part) : prose(number) }));
  }

  // The nodes of the page in their order. `cardNode` gives the node of an execution by its id.
  // `hasEarlier`: there are executions that the page does not hold, and code may have run in them.
  nodes(executions, hasEarlier, cardNode) {
    const runs = new Map();
    const others = [];
    for (const { id, cell, origin } of executions) {
      if (cell?.document === this.document) runs.set(cell.cell, id);
      else if (cell || origin !== ORIGIN) others.push(id);
    }
    for (const { node } of this.parts) {
      const status = node.querySelector(".status");
      if (status) status.textContent = hasEarlier ? "not among the executions shown" : "not run yet";
    }
    const placed = this.parts.map(({ cell, node }) => (cell && runs.has(cell) ? cardNode(runs.get(cell)) : node));
    return [...placed, ...others.map(cardNode)];
  }
}

function prose(number) {
  const node = element("section", "prose");
  node.append(framed({ part: number }, "Text of the lesson"));
  return node;
}

// Code that has not run yet.
function unrun({ text }) {
  const node = element("article", "card");
  node.dataset.status = "unrun";
  node.tabIndex = -1;
  const head = element("header");
  head.append(element("span", "prompt", "[ ]"), element("span", "title"), element("span", "status"));
  node.append(head, element("pre", "code", visible(text.replace(/\n+$/, ""))));
  return node;
}
