// The page: follows the stream of its session, and shows what it has.

import { Card } from "./cards.js";
import { Session, shownIds } from "./fold.js";
import { Lesson } from "./lesson.js";
import { placeNodes } from "./nodes.js";
import { Outbox } from "./outbox.js";
import { rowNode, visible } from "./output.js";
import { Place } from "./place.js";
import { followStream } from "./stream.js";
import { WidgetViews } from "./widgets.js";

const EARLIER_ROWS = 1000;
const NOTICE = 8000; // ms for which a refusal is shown

const by = id => document.getElementById(id);
const session = new Session();
const place = new Place();
const outbox = new Outbox(session.board, post, notice, plan);
const views = new WidgetViews(session.board, outbox, makeRow);
const cards = new Map();
const changed = new Set();
let lesson = null;
let isWhole = false;
let isPlanned = false;

// -- what is shown ------------------------------------------------------------------------------

function makeRow(row, fields) {
  return rowNode(row, fields, { isInteractive: session.isInteractive, board: session.board, views });
}

function cardOf(id) {
  if (!cards.has(id)) cards.set(id, new Card(id, makeRow, showEarlierRows));
  return cards.get(id);
}

function plan() {
  if (isPlanned) return;
  isPlanned = true;
  // A hidden page has no frames of animation, and shall not fall behind for ever.
  if (document.hidden) setTimeout(show, 500);
  else requestAnimationFrame(show);
}

function show() {
  isPlanned = false;
  const list = by("executions");
  const ids = isWhole ? new Set(session.executions.keys()) : new Set(changed);
  changed.clear();
  for (const [id, card] of cards) {
    if (session.executions.has(id)) continue;
    card.node.remove();
    cards.delete(id);
  }
  if (isWhole) {
    isWhole = false;
    for (const execution of session.executions.values()) execution.changedFrom = 0;
    if (!lesson) placeNodes(list, [...session.executions.keys()].map(id => cardOf(id).node));
  }
  if (lesson) placeLesson(list);
  for (const id of ids) {
    const execution = session.executions.get(id);
    if (!execution) continue;
    const card = cardOf(id);
    if (!card.node.isConnected && !lesson) list.append(card.node);
    card.show(execution);
  }
  views.update();
  const shown = shownIds(session.executions, by("latest").checked);
  for (const [id, card] of cards) card.node.hidden = !shown.has(id);
  by("earlier").hidden = !session.hasEarlier;
  by("empty").hidden = session.executions.size > 0 || !session.head || Boolean(lesson);
  showHead();
  place.show();
}

function placeLesson(list) {
  const nodes = lesson.nodes([...session.executions.values()], session.hasEarlier, id => cardOf(id).node);
  placeNodes(list, nodes);
  // What has begun last is followed, wherever it stands.
  const begun = [...session.executions.values()].filter(execution => execution.startedAt !== null && nodes.includes(cardOf(execution.id).node));
  const last = begun.reduce((one, other) => (!one || other.startedAt >= one.startedAt ? other : one), null);
  place.followed = last ? cardOf(last.id).node : list.firstElementChild;
}

async function readLesson() {
  try {
    lesson = new Lesson(await read("lesson"));
    by("latest").parentNode.hidden = true;
    isWhole = true;
    plan();
  } catch (error) {
    notice(error.message);
  }
}

function showHead() {
  const { head } = session;
  if (!head) return;
  const name = visible(lesson?.title || head.name || "Session");
  by("name").textContent = name;
  document.title = `${name} – codeexec-tui`;
  const kernel = by("kernel");
  kernel.hidden = false;
  kernel.dataset.state = head.closed ? "closed" : head.state;
  kernel.textContent = head.closed ? "session ended" : visible([head.kernel, head.state].filter(Boolean).join(", "));
  kernel.title = visible(head.death || "");
}

function showConnection(state, words, problem) {
  by("connection").dataset.state = state;
  by("connection").textContent = words;
  if (problem !== undefined) tell(problem);
}

function tell(message) {
  by("problem").textContent = message;
  by("problem").hidden = !message;
}

let noticeTimer = 0;

function notice(message) {
  clearTimeout(noticeTimer);
  by("notice").textContent = visible(message);
  by("notice").hidden = false;
  noticeTimer = setTimeout(() => { by("notice").hidden = true; }, NOTICE);
}

// -- the server --------------------------------------------------------------------------------

async function read(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error([content.message, content.next_step].filter(Boolean).join(" ") || `The server answered with ${answer.status}.`);
  return content;
}

// The id of the message that a widget is sent.
async function post(model, message) {
  const body = JSON.stringify({ model, message });
  return (await read("widgets", { method: "POST", body, headers: { "Content-Type": "application/json" } })).message_id;
}

async function showEarlierRows(card) {
  const execution = session.executions.get(card.id);
  if (!execution || execution.first === 0) return;
  const start = Math.max(execution.first - EARLIER_ROWS, 0);
  const fields = new URLSearchParams({ execution: card.id, start, count: execution.first - start });
  card.earlier.disabled = true;
  try {
    const page = await read(`rows?${fields}`);
    place.keep(() => {
      execution.takeEarlier(page.start || 0, page.runs);
      card.show(execution);
    });
  } catch (error) {
    tell(error.message);
  }
  card.earlier.disabled = false;
}

async function showEarlierExecutions() {
  by("earlier").disabled = true;
  try {
    const page = await read(`executions?${new URLSearchParams({ before: session.firstId })}`);
    place.keep(() => {
      session.takeEarlier(page);
      isWhole = true;
      show();
    });
  } catch (error) {
    tell(error.message);
  }
  by("earlier").disabled = false;
}

function take(line) {
  const ids = session.take(line);
  if (ids === null) isWhole = true;
  else for (const id of ids) changed.add(id);
  if (session.hasLesson && !lesson) readLesson();
  outbox.followAll();
  plan();
}

// -- keys --------------------------------------------------------------------------------------

const KEYS = {
  j: () => place.go(1),
  k: () => place.go(-1),
  g: () => place.go(-Infinity),
  f: () => place.follow(),
  e: () => {
    const card = cards.get(document.activeElement?.closest?.("article.card")?.id);
    if (card) showEarlierRows(card);
  },
  l: () => by("latest").click(),
  "?": () => by("help").showModal(),
};

addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || by("help").open) return;
  if (event.target.matches?.(".widget input, .widget select, .widget textarea")) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
by("earlier").addEventListener("click", showEarlierExecutions);
by("latest").addEventListener("change", plan);
by("help-button").addEventListener("click", () => by("help").showModal());

followStream({ after: () => session.seq, take, isOver: () => Boolean(session.head?.closed), show: showConnection });
