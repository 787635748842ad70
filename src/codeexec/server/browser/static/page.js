// The page: follows the stream of its session, and shows what it has.

import { Session, shownIds } from "./fold.js";
import { element } from "./nodes.js";
import { rowNode, visible } from "./output.js";

const QUIET = 45000; // ms without a byte after which the connection counts as cut
const HIDDEN = 30000; // ms after which a hidden page lets its connection go: a browser has few of them
const EARLIER_ROWS = 1000;
const STATES = { queued: "queued", running: "running", ok: "done", error: "failed", cancelled: "cancelled", timed_out: "timed out", lost: "lost" };

const by = id => document.getElementById(id);
const session = new Session();
const cards = new Map();
const rowNodes = new WeakMap();
const changed = new Set();
let isWhole = false;
let isFollowing = true;
let isPlanned = false;
let isPlaced = false;

// -- what is shown ------------------------------------------------------------------------------

class Card {
  constructor(id) {
    this.id = id;
    this.node = element("article", "card");
    this.node.id = id;
    this.node.tabIndex = -1;
    this.head = element("header");
    this.code = element("pre", "code");
    this.earlier = element("button", "earlier");
    this.earlier.type = "button";
    this.earlier.addEventListener("click", () => showEarlierRows(this));
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
      let node = rowNodes.get(row);
      if (!node) {
        node = rowNode(row, execution.id, execution.first + from + index, session.isInteractive);
        rowNodes.set(row, node);
      }
      return node;
    });
    // What stays is never moved: a frame that is moved is loaded again.
    const staying = new Set(wanted);
    for (const node of [...this.rows.children].slice(from)) if (!staying.has(node)) node.remove();
    let place = this.rows.children[from] || null;
    for (const node of wanted) {
      if (node === place) place = place.nextElementSibling;
      else this.rows.insertBefore(node, place);
    }
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

function cardOf(id) {
  if (!cards.has(id)) cards.set(id, new Card(id));
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
  if (isWhole) {
    isWhole = false;
    for (const execution of session.executions.values()) execution.changedFrom = 0;
    for (const [id, card] of cards) {
      if (!session.executions.has(id)) {
        card.node.remove();
        cards.delete(id);
      }
    }
    let place = list.firstElementChild;
    for (const id of session.executions.keys()) {
      const { node } = cardOf(id);
      if (node === place) place = place.nextElementSibling;
      else list.insertBefore(node, place);
    }
  }
  for (const id of ids) {
    const execution = session.executions.get(id);
    if (!execution) continue;
    const card = cardOf(id);
    if (!card.node.isConnected) list.append(card.node);
    card.show(execution);
  }
  for (const [id, card] of cards) {
    if (session.executions.has(id)) continue;
    card.node.remove();
    cards.delete(id);
  }
  const shown = shownIds(session.executions, by("latest").checked);
  for (const [id, card] of cards) card.node.hidden = !shown.has(id);
  by("earlier").hidden = !session.hasEarlier;
  by("empty").hidden = session.executions.size > 0 || !session.head;
  showHead();
  showPlace();
}

// The execution that the address names, once; else the end while it is followed.
function showPlace() {
  const named = cards.get(decodeURIComponent(location.hash.slice(1)))?.node;
  if (named && !isPlaced) {
    isPlaced = true;
    isFollowing = false;
    named.focus({ preventScroll: true });
    named.scrollIntoView({ block: "start" });
    showFollow();
  } else if (isFollowing) {
    scrollTo({ top: document.documentElement.scrollHeight });
  }
}

addEventListener("hashchange", () => { isPlaced = false; showPlace(); });

function showHead() {
  const { head } = session;
  if (!head) return;
  const name = visible(head.name || "Session");
  by("name").textContent = name;
  document.title = `${name} – codeexec-tui`;
  const kernel = by("kernel");
  kernel.hidden = false;
  kernel.dataset.state = head.closed ? "closed" : head.state;
  kernel.textContent = head.closed ? "session ended" : visible([head.kernel, head.state].filter(Boolean).join(", "));
  kernel.title = visible(head.death || "");
}

// -- more of it --------------------------------------------------------------------------------

async function read(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.message || `The server answered with ${answer.status}.`);
  return content;
}

// The window stays where it is, although something appears above it.
function keepPlace(change) {
  const height = document.documentElement.scrollHeight;
  isFollowing = false;
  change();
  scrollBy({ top: document.documentElement.scrollHeight - height });
  showFollow();
}

async function showEarlierRows(card) {
  const execution = session.executions.get(card.id);
  if (!execution || execution.first === 0) return;
  const start = Math.max(execution.first - EARLIER_ROWS, 0);
  const fields = new URLSearchParams({ execution: card.id, start, count: execution.first - start });
  card.earlier.disabled = true;
  try {
    const page = await read(`rows?${fields}`);
    keepPlace(() => {
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
    keepPlace(() => {
      session.takeEarlier(page);
      isWhole = true;
      show();
    });
  } catch (error) {
    tell(error.message);
  }
  by("earlier").disabled = false;
}

// -- the stream --------------------------------------------------------------------------------

function tell(message) {
  by("problem").textContent = message;
  by("problem").hidden = !message;
}

function connection(state, words) {
  by("connection").dataset.state = state;
  by("connection").textContent = words;
}

async function follow(signal, noted) {
  const answer = await fetch(`events?after=${session.seq}`, { signal, cache: "no-store" });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw Object.assign(new Error([problem.message, problem.next_step].filter(Boolean).join(" ")), { status: answer.status });
  }
  const decoder = new TextDecoder();
  const reader = answer.body.getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    noted();
    connection("live", "Live");
    tell("");
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) take(JSON.parse(line));
  }
}

function take(line) {
  const ids = session.take(line);
  if (ids === null) isWhole = true;
  else for (const id of ids) changed.add(id);
  plan();
}

const pause = ms => new Promise(done => setTimeout(done, ms));

function becomesVisible() {
  return new Promise(done => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
}

let aborting = new AbortController();
let hiddenTimer = 0;
let isResting = false;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) hiddenTimer = setTimeout(() => { isResting = true; aborting.abort(); }, HIDDEN);
});

async function run() {
  for (let attempt = 0; ; attempt++) {
    aborting = new AbortController();
    let timer = 0;
    const noted = () => {
      attempt = 0;
      clearTimeout(timer);
      timer = setTimeout(() => aborting.abort(), QUIET);
    };
    try {
      timer = setTimeout(() => aborting.abort(), QUIET);
      await follow(aborting.signal, noted);
    } catch (error) {
      if (error.status === 401 || error.status === 404) {
        connection("over", "Closed");
        tell(error.message);
        return;
      }
    } finally {
      clearTimeout(timer);
    }
    if (session.head?.closed) {
      connection("over", "Ended");
      return;
    }
    if (isResting) {
      isResting = false;
      attempt = -1;
      await becomesVisible();
      continue;
    }
    connection("cut", attempt ? "The server does not answer. Trying again…" : "Reconnecting…");
    await Promise.race([pause(Math.min(250 * 2 ** attempt, 8000)), new Promise(done => addEventListener("online", done, { once: true }))]);
  }
}

// -- keys and the place --------------------------------------------------------------------------

function isAtEnd() {
  return document.documentElement.scrollHeight - innerHeight - scrollY < 60;
}

function showFollow() {
  by("follow").hidden = isFollowing || isAtEnd();
}

function followAgain() {
  isFollowing = true;
  scrollTo({ top: document.documentElement.scrollHeight });
  showFollow();
}

function go(step) {
  const shown = [...document.querySelectorAll("article.card:not([hidden])")];
  const current = shown.indexOf(document.activeElement?.closest?.("article.card"));
  const last = shown.length - 1;
  const next = shown[current < 0 ? (step > 0 ? 0 : last) : Math.min(Math.max(current + step, 0), last)];
  if (!next) return;
  isFollowing = next === shown[last];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  showFollow();
}

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  g: () => go(-Infinity),
  f: followAgain,
  e: () => {
    const card = cards.get(document.activeElement?.closest?.("article.card")?.id);
    if (card) showEarlierRows(card);
  },
  l: () => by("latest").click(),
  "?": () => by("help").showModal(),
};

addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || by("help").open) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
// Only the user scrolls up; what grows below the window is followed.
for (const kind of ["wheel", "touchmove", "keydown"]) {
  addEventListener(kind, () => requestAnimationFrame(() => { isFollowing = isAtEnd(); }), { passive: true });
}
addEventListener("scroll", () => { if (isAtEnd()) isFollowing = true; showFollow(); }, { passive: true });
new ResizeObserver(() => { if (isFollowing) scrollTo({ top: document.documentElement.scrollHeight }); }).observe(by("executions"));
by("follow").addEventListener("click", followAgain);
by("earlier").addEventListener("click", showEarlierExecutions);
by("latest").addEventListener("change", () => { plan(); });
by("help-button").addEventListener("click", () => by("help").showModal());

run();
