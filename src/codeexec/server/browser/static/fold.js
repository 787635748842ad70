// Fold of events into the executions that the page shows, as domain/fold.py does it.

import { Board, modelOf } from "./board.js";
import { rowsOf } from "./rows.js";

// What is held while nobody asks for earlier rows of an execution, or for earlier executions.
export const HELD_ROWS = 2000;
export const HELD_EXECUTIONS = 300;

export class Execution {
  constructor(id, code) {
    Object.assign(this, {
      id, code, origin: "", status: "queued", cell: null, count: null, total: 0, first: 0, rows: [],
      stdin: null, reason: "", confirm: "", agent: false, endedBy: "", language: "",
      queuedAt: 0, startedAt: null, finishedAt: null, changedFrom: 0, isExpanded: false,
    });
  }

  static of(view) {
    const execution = new Execution(view.execution_id, view.code);
    execution.status = view.status || "queued";
    execution.cell = view.cell || null;
    execution.origin = view.origin || "";
    execution.count = view.count ?? null;
    execution.rows = rowsOf(view.tail);
    execution.total = view.total || 0;
    execution.first = execution.total - execution.rows.length;
    execution.stdin = view.stdin || null;
    execution.reason = view.reason || "";
    execution.confirm = view.confirm || "";
    execution.agent = Boolean(view.is_agent);
    execution.endedBy = view.ended_by || "";
    execution.queuedAt = view.queued_at || 0;
    execution.startedAt = view.started_at ?? null;
    execution.finishedAt = view.finished_at ?? null;
    return execution;
  }

  // Whether it is over and has nothing that the view does not have, so that its nodes may stay.
  isAsIn(view) {
    if (this.isOpen || this.finishedAt !== view.finished_at || this.total !== (view.total || 0)) return false;
    const tail = rowsOf(view.tail);
    return tail.length <= this.rows.length && JSON.stringify(tail) === JSON.stringify(this.rows.slice(this.rows.length - tail.length));
  }

  get isOpen() {
    return this.status === "queued" || this.status === "running";
  }

  changed(from) {
    this.changedFrom = Math.min(this.changedFrom, from);
  }

  // From row `start` on the rows are those of `runs`; where some are left out, they are the last.
  takeOutput(start, total, runs) {
    const rows = rowsOf(runs);
    const first = total - rows.length;
    if (first === start && start >= this.first && start <= this.first + this.rows.length) {
      this.rows.splice(start - this.first, Infinity, ...rows);
      this.changed(start - this.first);
    } else {
      this.rows = rows;
      this.first = first;
      this.changed(0);
    }
    this.total = total;
    if (!this.isExpanded && this.rows.length > HELD_ROWS) {
      const surplus = this.rows.length - HELD_ROWS;
      this.rows.splice(0, surplus);
      this.first += surplus;
      this.changed(0);
    }
  }

  // Rows before those at hand.
  takeEarlier(start, runs) {
    const rows = rowsOf(runs).slice(0, Math.max(this.first - start, 0));
    if (start + rows.length !== this.first) return false; // what is at hand has changed meanwhile
    this.rows.unshift(...rows);
    this.first = start;
    this.isExpanded = true;
    this.changed(0);
    return true;
  }

  // `isDrawn` tells of a model whether it is drawn by its state: then its row stays, whose display has
  // the same in words.
  takeUpdate(event, isDrawn) {
    let isChanged = false;
    this.rows = this.rows.map(row => {
      if (row.kind !== "display" || row.display.display_id !== event.display_id) return row;
      const display = { ...row.display, parts: event.parts, metadata: event.metadata };
      const model = modelOf(display);
      if (model && model === modelOf(row.display) && isDrawn(model)) {
        row.display = display;
        return row;
      }
      isChanged = true;
      return { kind: "display", display };
    });
    if (isChanged) this.changed(0);
    return isChanged;
  }
}

export class Session {
  constructor() {
    this.seq = 0;
    this.head = null;
    this.executions = new Map();
    this.hasEarlier = false;
    this.isExpanded = false;
    this.isInteractive = false; // whether figures are drawn by the JavaScript of their package
    this.hasLesson = false; // whether a lesson stands around the executions
    this.board = new Board();
  }

  // The ids of the executions that a line of the stream has changed; null: all of it is new.
  take(line) {
    if (line.state) return this.takeState(line.state);
    if (line.interactive || line.control || line.lesson) {
      this.isInteractive = Boolean(line.interactive);
      this.board.canControl = Boolean(line.control);
      this.hasLesson = Boolean(line.lesson);
      return new Set();
    }
    const changed = new Set();
    this.board.take(line.widgets || []);
    for (const record of line.events || []) {
      if (record.seq > this.seq) this.takeEvent(record, changed);
    }
    if (line.head) this.takeHead(line.head);
    this.seq = Math.max(this.seq, line.seq);
    return changed;
  }

  takeHead(head) {
    this.head = head;
    this.board.takeHead(head);
  }

  takeState(state) {
    this.seq = state.seq;
    this.board.takeAll(state.widgets || []);
    this.takeHead(state.head);
    this.hasEarlier = Boolean(state.more);
    this.isExpanded = false;
    const known = this.executions;
    this.executions = new Map(state.executions.map(view => {
      const held = known.get(view.execution_id);
      return [view.execution_id, held?.isAsIn(view) ? held : Execution.of(view)];
    }));
    return null;
  }

  takeEarlier(page) {
    const older = page.executions.filter(view => !this.executions.has(view.execution_id));
    this.executions = new Map([...older.map(view => [view.execution_id, Execution.of(view)]), ...this.executions]);
    this.hasEarlier = Boolean(page.more);
    this.isExpanded = true;
  }

  get firstId() {
    return this.executions.keys().next().value || "";
  }

  // The oldest that are over go, unless somebody asked for earlier ones.
  letGo() {
    for (const execution of this.executions.values()) {
      if (this.executions.size <= HELD_EXECUTIONS || this.isExpanded) return;
      if (!execution.isOpen) {
        this.executions.delete(execution.id);
        this.hasEarlier = true;
      }
    }
  }

  takeEvent({ event, at }, changed) {
    if (event.type === "execution_queued") {
      const execution = new Execution(event.execution_id, event.code);
      execution.cell = event.cell || null;
      execution.origin = event.origin || "";
      execution.queuedAt = at;
      execution.agent = Boolean(event.is_agent);
      execution.confirm = event.confirm || "";
      this.executions.set(execution.id, execution);
      this.letGo();
      changed.add(execution.id);
      return;
    }
    if (event.type === "display_updated") {
      for (const execution of this.executions.values()) {
        if (execution.takeUpdate(event, model => this.board.has(model))) changed.add(execution.id);
      }
      return;
    }
    const execution = this.executions.get(event.execution_id);
    if (!execution) return;
    changed.add(execution.id);
    switch (event.type) {
      case "execution_confirmed":
        execution.confirm = "";
        break;
      case "execution_started":
        execution.status = "running";
        execution.startedAt = at;
        break;
      case "input_counted":
        execution.count = event.count;
        break;
      case "output_changed":
        execution.takeOutput(event.start, event.total, event.runs);
        break;
      case "stdin_requested":
        execution.stdin = event;
        break;
      case "stdin_answered":
        execution.stdin = null;
        break;
      case "execution_finished":
        execution.status = event.status;
        execution.finishedAt = at;
        execution.reason = event.reason || "";
        execution.endedBy = event.by || "";
        execution.stdin = null;
        execution.confirm = "";
        break;
    }
  }
}

// The executions that are shown: all, or the last one of each cell.
export function shownIds(executions, isLatestOnly) {
  if (!isLatestOnly) return new Set(executions.keys());
  const byCell = new Map();
  for (const execution of executions.values()) {
    const { cell } = execution;
    byCell.set(cell && cell.cell ? `${cell.document}\n${cell.cell}` : execution.id, execution.id);
  }
  return new Set(byCell.values());
}
