// Widgets as nodes: each view shows one model, and boxes have views of what is in them. A view stays
// while its model changes, so that nobody loses the control in hand.

import { modelOfReference } from "./board.js";
import { choiceOf } from "./choices.js";
import { controlOf } from "./controls.js";
import { button, element, placeNodes } from "./nodes.js";
import { words } from "./numbers.js";
import { rowsOf } from "./rows.js";

const BOXES = ["Box", "VBox", "HBox", "GridBox", "Stack"];
const MOST_DEPTH = 12;
const MOST_VIEWS = 500; // below one display
const MOST_CHILDREN = 200;

// All views of the page. `rowNode` makes the node of a row that an Output widget has captured.
export class WidgetViews {
  constructor(board, outbox, rowNode) {
    Object.assign(this, { board, outbox, rowNode });
    this.views = new Map(); // by model: the views that show it, or depend on it
  }

  // A node that shows a model as long as it stands in the page.
  node(model) {
    const root = { count: 0 };
    return new View(this, model, [], root).node;
  }

  add(model, view) {
    if (!this.views.has(model)) this.views.set(model, new Set());
    this.views.get(model).add(view);
  }

  remove(model, view) {
    const views = this.views.get(model);
    views?.delete(view);
    if (views?.size === 0) this.views.delete(model);
  }

  // Draw again what has changed.
  update() {
    const changed = [...this.board.changed];
    this.board.changed.clear();
    for (const model of changed) {
      for (const view of [...(this.views.get(model) || [])]) {
        if (view.node.isConnected) view.update();
        else view.end();
      }
    }
  }
}

class View {
  constructor(all, model, path, root) {
    Object.assign(this, { all, model, path, root, kind: null, body: null, layout: "" });
    this.board = all.board;
    this.node = element("div", "widget");
    this.content = element("div", "content");
    this.waiting = element("span", "waiting", "waits for the kernel");
    this.waiting.hidden = true;
    this.ended = element("p", "note", "The kernel has closed it, or has ended: run its cell again to use it.");
    this.ended.hidden = true;
    this.node.append(this.content, this.waiting, this.ended);
    root.count++;
    all.add(model, this);
    this.update();
  }

  update() {
    const { board, model } = this;
    const kind = board.kind(model);
    const state = board.state(model);
    if (kind !== this.kind) {
      this.body?.end?.();
      this.kind = kind;
      this.node.dataset.kind = kind;
      this.body = this.made(kind);
      this.content.replaceChildren(this.body.node);
    }
    this.follow(modelOfReference(state.layout));
    const layout = board.state(this.layout);
    this.node.hidden = layout.display === "none";
    this.node.classList.toggle("unseen", layout.visibility === "hidden");
    this.body.show(state, board.isUsable(model));
    this.waiting.hidden = !board.isWaiting(model);
    this.ended.hidden = this.path.length > 0 || !kind || board.isAlive(model);
  }

  // Its layout is a model of its own.
  follow(layout) {
    if (layout === this.layout) return;
    if (this.layout) this.all.remove(this.layout, this);
    this.layout = layout;
    if (layout) this.all.add(layout, this);
  }

  made(kind) {
    if (this.path.includes(this.model) || this.path.length > MOST_DEPTH) return noted("… a widget that contains itself");
    if (this.root.count > MOST_VIEWS) return noted("… more widgets than are drawn");
    if (BOXES.includes(kind)) return new Box(this);
    if (kind === "Tab" || kind === "Accordion") return new Folder(this);
    if (kind === "Output") return new Captured(this);
    const make = controlOf(kind) || choiceOf(kind);
    return make ? new Labelled(this, make) : new Unknown(kind);
  }

  child(model) {
    return new View(this.all, model, [...this.path, this.model], this.root);
  }

  get act() {
    const { all, model } = this;
    return {
      set: state => all.outbox.set(model, state),
      click: () => all.outbox.click(model),
      submit: () => all.outbox.submit(model),
    };
  }

  end() {
    this.body?.end?.();
    this.all.remove(this.model, this);
    this.follow("");
    this.root.count--;
  }
}

// Views of the children of a model, of which those that stay are the same.
class Children {
  constructor(view, node) {
    Object.assign(this, { view, node });
    this.views = new Map();
  }

  show(models) {
    const wanted = new Map(models.map(model => [model, this.views.get(model) || this.view.child(model)]));
    for (const [model, view] of this.views) if (!wanted.has(model)) view.end();
    this.views = wanted;
    placeNodes(this.node, [...wanted.values()].map(view => view.node));
  }

  end() {
    for (const view of this.views.values()) view.end();
  }
}

function childrenOf(state) {
  const listed = Array.isArray(state.children) ? state.children : [];
  return listed.slice(0, MOST_CHILDREN).map(modelOfReference).filter(Boolean);
}

class Box {
  constructor(view) {
    this.view = view;
    this.node = element("div", `box ${["HBox", "Box"].includes(view.kind) ? "beside" : ""}`.trim());
    this.children = new Children(view, this.node);
  }

  show(state) {
    const models = childrenOf(state);
    const open = this.view.board.openChild(this.view.model);
    this.children.show(this.view.kind === "Stack" ? models.slice(open, open + 1) : models);
  }

  end() {
    this.children.end();
  }
}

// A tab or an accordion: anybody may open a child; where widgets are operated it is open for all.
class Folder {
  constructor(view) {
    this.view = view;
    this.isTab = view.kind === "Tab";
    this.node = element("div", this.isTab ? "tabs" : "accordion");
    this.heads = [];
    this.bar = element("div", "heads");
    if (this.isTab) this.bar.setAttribute("role", "tablist");
    this.panel = element("div", "panel");
    if (this.isTab) this.panel.setAttribute("role", "tabpanel");
    this.node.append(this.bar, this.panel);
    this.children = new Children(view, this.panel);
  }

  show(state) {
    const models = childrenOf(state);
    const { board, model } = this.view;
    const open = board.openChild(model);
    while (this.heads.length > models.length) this.heads.pop().remove();
    while (this.heads.length < models.length) {
      const at = this.heads.length;
      this.heads.push(button("head", "", () => this.turn(at)));
      if (this.isTab) this.heads[at].setAttribute("role", "tab");
      this.bar.append(this.heads[at]);
    }
    this.heads.forEach((head, at) => {
      const title = titleOf(state, at);
      const isOpen = at === open;
      if (head.textContent !== title) head.textContent = title;
      head.setAttribute(this.isTab ? "aria-selected" : "aria-expanded", String(isOpen));
      // In an accordion the open child stands below its title.
      if (!this.isTab && isOpen && head.nextSibling !== this.panel) head.after(this.panel);
    });
    this.panel.hidden = !(open in models);
    this.children.show(open in models ? [models[open]] : []);
  }

  turn(at) {
    const { board, model, act, all } = this.view;
    const index = !this.isTab && board.openChild(model) === at ? -1 : at;
    board.open(model, index);
    if (board.isUsable(model)) act.set({ selected_index: index < 0 ? null : index });
    all.outbox.changed();
  }

  end() {
    this.children.end();
  }
}

function titleOf(state, at) {
  const title = Array.isArray(state.titles) ? state.titles[at] : state._titles?.[at];
  return words(title) || String(at + 1);
}

// What an Output widget has captured, as rows of output.
class Captured {
  constructor(view) {
    this.view = view;
    this.node = element("div", "captured");
    this.shown = [];
  }

  show(state) {
    const outputs = Array.isArray(state.outputs) ? state.outputs : [];
    const before = this.shown;
    this.shown = outputs.map((run, number) => {
      const text = JSON.stringify(run);
      if (before[number]?.text === text) return before[number];
      const fields = { widget: this.view.model, output: number };
      const nodes = rowsOf([run]).map(row => this.view.all.rowNode(row, fields));
      keepHeight(before[number]?.nodes, nodes);
      return { text, nodes };
    });
    placeNodes(this.node, this.shown.flatMap(({ nodes }) => nodes));
  }
}

// A frame begins with the height of the one in its place, so that the page does not jump.
function keepHeight(before, nodes) {
  const height = before?.[0]?.querySelector("iframe")?.style.height;
  const frame = nodes[0]?.querySelector("iframe");
  if (height && frame) frame.style.height = height;
}

class Labelled {
  constructor(view, make) {
    this.kind = view.kind;
    this.control = make({
      kind: view.kind,
      state: () => view.board.state(view.model),
      buffer: name => view.board.buffer(view.model, name),
      act: view.act,
    });
    this.node = element("div", "control");
    this.label = element("span", "label");
    if (this.control.isLabelled) this.node.append(...this.control.nodes);
    else if (this.control.isLabelAfter) this.node.append(this.withLabel(this.control.nodes[0], this.label));
    else this.node.append(this.label, ...this.control.nodes);
  }

  withLabel(...nodes) {
    const label = element("label");
    label.append(...nodes);
    return label;
  }

  show(state, isUsable) {
    this.control.show(state);
    const name = words(state.description);
    if (this.label.textContent !== name) this.label.textContent = name;
    this.label.hidden = !name;
    for (const field of this.control.fields) {
      field.disabled = !isUsable;
      // Others have words of their own.
      if (field.tagName !== "BUTTON" && !field.closest("label")?.textContent.trim()) {
        field.setAttribute("aria-label", [name || this.kind, field.dataset.end].filter(Boolean).join(", "));
      }
    }
    const [first] = this.control.nodes;
    if (first.getAttribute("role")) first.setAttribute("aria-label", name || this.kind);
  }
}

// A widget that is not drawn: its name, and its value or what its keys hold.
class Unknown {
  constructor(kind) {
    this.kind = kind;
    this.node = element("p", "note");
  }

  show(state) {
    const values = valuesOf(state);
    const name = words(state.description);
    const own = words(state._anywidget_id).split(".").at(-1) || words(this.kind);
    this.node.textContent = this.kind
      ? `[${name ? `${name}: ` : ""}${own}${values ? ` ${values}` : ""} · Jupyter shows it, from the saved notebook]`
      : "[a widget that the session does not keep any more]";
  }
}

const MOST_VALUES = 6;
const NO_VALUES = ["layout", "style", "tooltip", "tabbable", "description", "disabled"]; // every widget has them

function valuesOf(state) {
  if (state.value !== null && state.value !== undefined) return words(state.value);
  const listed = Object.entries(state).filter(([key, value]) =>
    !key.startsWith("_") && !NO_VALUES.includes(key) && ["string", "number", "boolean"].includes(typeof value));
  const shown = listed.slice(0, MOST_VALUES).map(([key, value]) => `${words(key)} ${words(value).slice(0, 60)}`);
  return shown.join(", ") + (listed.length > MOST_VALUES ? ", …" : "");
}

function noted(text) {
  return { node: element("p", "note", text), show() {} };
}
