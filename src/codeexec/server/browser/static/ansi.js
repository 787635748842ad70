// Rows of output as nodes: SGR and links of web pages are all the escape sequences that rows have.

const ESCAPE = /\x1b\[([0-9;:]*)m|\x1b\]8;[^;\x1b\x07]*;([^\x1b\x07]*)(?:\x1b\\|\x07)/g;
const STEPS = [0, 95, 135, 175, 215, 255];
const ATTRIBUTES = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 8: "hidden", 9: "struck" };
const ENDS = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 28: ["hidden"], 29: ["struck"] };
// Marks that reorder the text around them are shown, as they can make code look like other code.
const REORDERING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function visible(text) {
  return text.replace(REORDERING, mark => `<U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}>`);
}

function indexed(index) {
  if (index < 16) return `var(--c${index})`;
  if (index > 231) return `rgb(${Array(3).fill(8 + 10 * (index - 232)).join(" ")})`;
  const number = index - 16;
  return `rgb(${STEPS[Math.floor(number / 36)]} ${STEPS[Math.floor(number / 6) % 6]} ${STEPS[number % 6]})`;
}

// The colour that begins at `at` in the parameters, and where the next parameter is.
function extended(codes, at) {
  if (codes[at + 1] === 5) return [indexed(Math.min(codes[at + 2] || 0, 255)), at + 2];
  if (codes[at + 1] !== 2) return [null, at];
  const parts = codes.slice(at + 2, at + 5).map(part => Math.min(part || 0, 255));
  return [`rgb(${parts.join(" ")})`, at + 4];
}

function applied(style, text) {
  const codes = [];
  for (const group of text.split(";")) {
    const parts = group.split(":").map(Number);
    // 38:2::R:G:B has the number of a colour space before the colour.
    if (parts[1] === 2 && parts.length > 5) parts.splice(2, 1);
    if (parts[0] === 4 && parts.length > 1) codes.push(parts[1] ? 4 : 24);
    else codes.push(...parts);
  }
  let next = { ...style };
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at];
    if (code === 0) next = {};
    else if (ATTRIBUTES[code]) next[ATTRIBUTES[code]] = true;
    else if (ENDS[code]) for (const name of ENDS[code]) delete next[name];
    else if (code >= 30 && code <= 37) next.front = indexed(code - 30);
    else if (code >= 90 && code <= 97) next.front = indexed(code - 82);
    else if (code >= 40 && code <= 47) next.back = indexed(code - 40);
    else if (code >= 100 && code <= 107) next.back = indexed(code - 92);
    else if (code === 39) delete next.front;
    else if (code === 49) delete next.back;
    else if (code === 38 || code === 48) {
      const [color, last] = extended(codes, at);
      if (color) next[code === 38 ? "front" : "back"] = color;
      at = last;
    }
  }
  return next;
}

// [text, style, link] for each stretch of a row.
export function segments(row) {
  const found = [];
  let style = {}, link = "", at = 0;
  for (const escape of row.matchAll(ESCAPE)) {
    if (escape.index > at) found.push([row.slice(at, escape.index), style, link]);
    at = escape.index + escape[0].length;
    if (escape[1] !== undefined) style = applied(style, escape[1]);
    else link = /^https?:\/\//i.test(escape[2]) ? escape[2] : "";
  }
  if (at < row.length) found.push([row.slice(at), style, link]);
  return found;
}

function stretch(text, style, link) {
  const node = document.createElement(link ? "a" : "span");
  node.textContent = visible(text);
  if (link) {
    node.href = link;
    node.target = "_blank";
    node.rel = "noopener noreferrer";
  }
  const front = style.inverse ? style.back || "var(--ground)" : style.front;
  const back = style.inverse ? style.front || "var(--text)" : style.back;
  if (front) node.style.color = front;
  if (back) node.style.backgroundColor = back;
  for (const name of ["bold", "dim", "italic", "underline", "hidden", "struck"]) {
    if (style[name]) node.classList.add(`sgr-${name}`);
  }
  return node;
}

export function textRow(row, kind) {
  const node = document.createElement("div");
  node.className = `row ${kind}`;
  for (const [text, style, link] of segments(row)) {
    node.append(Object.keys(style).length || link ? stretch(text, style, link) : visible(text));
  }
  if (!row) node.append("\n");
  return node;
}
