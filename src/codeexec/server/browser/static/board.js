// The state of widgets as this page shows it: that of the session, and what its user has set since
// that the kernel has not handled. As WidgetBoard of the workbench has it.

const REFERENCE = "IPY_MODEL_";
const VIEW = "application/vnd.jupyter.widget-view+json";
const KEPT_HANDLED = 50;
const NOTHING = Object.freeze({});

export function modelOfReference(text) {
  return typeof text === "string" && text.startsWith(REFERENCE) ? text.slice(REFERENCE.length) : "";
}

// The text of the part of a display that names its model; empty: it shows no widget.
function viewOf(display) {
  return display.parts.find(part => part.mime === VIEW)?.text || "";
}

// The model that a display shows; empty: none.
export function modelOf(display) {
  try {
    const model = JSON.parse(viewOf(display) || "null")?.model_id;
    return typeof model === "string" ? model : "";
  } catch {
    return "";
  }
}

export class Board {
  constructor() {
    this.models = new Map();
    this.kernels = NOTHING;
    this.isOver = false; // whether the session has ended
    this.canControl = false; // whether this page may send what its user sets
    this.pending = new Map(); // by model: what the user has set
    this.opened = new Map(); // by model: the child that the user of this page has opened
    this.changed = new Set(); // models that are to be drawn again
  }

  // -- what the session says --------------------------------------------------------------------

  // The first line of a stream: all that there is.
  takeAll(changes) {
    this.changed = new Set([...this.models.keys(), ...this.changed]);
    this.models.clear();
    this.take(changes);
  }

  take(changes) {
    for (const change of changes) {
      const held = this.models.get(change.model);
      if (change.is_whole) {
        this.models.set(change.model, {
          kernel: change.kernel || "", generation: change.generation || 0, state: change.state || {},
          buffers: change.buffers || {}, handled: change.handled || [], isClosed: Boolean(change.is_closed),
        });
      } else if (held) {
        Object.assign(held.state, change.state);
        Object.assign(held.buffers, change.buffers);
        held.handled = [...held.handled, ...(change.handled || [])].slice(-KEPT_HANDLED);
        held.isClosed = Boolean(change.is_closed);
      }
      if (change.state && "selected_index" in change.state) this.opened.delete(change.model);
      this.changed.add(change.model);
    }
  }

  takeHead(head) {
    const before = this.kernels;
    const wasOver = this.isOver;
    this.kernels = head.kernels || NOTHING;
    this.isOver = head.closed;
    const answers = kernels => JSON.stringify(Object.entries(kernels).map(([name, kernel]) => [name, kernel.generation, isAnswering(kernel)]));
    const isOther = wasOver !== this.isOver || answers(before) !== answers(this.kernels);
    for (const model of isOther ? this.models.keys() : this.pending.keys()) this.changed.add(model);
  }

  // -- what is shown ----------------------------------------------------------------------------

  has(model) {
    return this.models.has(model);
  }

  state(model) {
    const held = this.models.get(model);
    if (!held) return NOTHING;
    const pending = this.pending.get(model);
    return pending ? { ...held.state, ...pending } : held.state;
  }

  buffer(model, name) {
    return this.models.get(model)?.buffers[name] || "";
  }

  // Such as "IntSlider"; empty where there is no such model.
  kind(model) {
    return String(this.state(model)._model_name || "").replace(/Model$/, "");
  }

  // Whether its kernel still runs, and code has not closed it.
  isAlive(model) {
    const held = this.models.get(model);
    const kernel = held && this.kernels[held.kernel];
    return Boolean(kernel) && !held.isClosed && !this.isOver && kernel.generation === held.generation && isAnswering(kernel);
  }

  isUsable(model) {
    return this.canControl && this.isAlive(model) && !this.state(model).disabled;
  }

  // Whether the kernel runs code before it takes what the user has done.
  isWaiting(model) {
    return this.pending.has(model) && this.kernels[this.models.get(model)?.kernel]?.state === "busy";
  }

  hasHandled(model, messageId) {
    return Boolean(this.models.get(model)?.handled.includes(messageId));
  }

  // The open child of a tab or an accordion; -1: none.
  openChild(model) {
    if (this.opened.has(model)) return this.opened.get(model);
    const index = this.state(model).selected_index;
    if (Number.isInteger(index)) return index;
    return this.kind(model) === "Tab" ? 0 : -1;
  }

  // -- what the user does -----------------------------------------------------------------------

  // Show these values until `settle`.
  show(model, state) {
    this.pending.set(model, { ...this.pending.get(model), ...state });
    this.changed.add(model);
  }

  // The kernel has handled what was set, or never will: what it says holds.
  settle(model) {
    if (this.pending.delete(model)) this.changed.add(model);
  }

  open(model, index) {
    this.opened.set(model, index);
    this.changed.add(model);
  }
}

function isAnswering(kernel) {
  return kernel.state === "idle" || kernel.state === "busy";
}
