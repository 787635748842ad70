// Nodes for what executions put out. Nothing of it becomes markup of this page: text is text, HTML
// stands in a frame with an origin of its own.

import { textRow, visible } from "./ansi.js";
import { modelOf } from "./board.js";
import { figureNode, holdsChart, isFigure } from "./figure.js";
import { element } from "./nodes.js";

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"];
const FRAMED = ["text/html", "application/xhtml+xml", "text/markdown", "text/x-markdown", "text/latex", "application/x-latex"];
const TALLEST_FRAME = 12000;

function address(name, fields) {
  return `${name}?${new URLSearchParams(fields)}`;
}

function picture(part, label) {
  if (part.blob) return shownPicture(`blobs/${encodeURIComponent(part.blob)}`, label);
  if (part.mime === "image/svg+xml") return shownPicture(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(part.text)}`, label);
  return shownPicture(`data:${part.mime};base64,${part.text.replace(/\s/g, "")}`, label);
}

function shownPicture(place, label) {
  const image = element("img", "picture");
  image.alt = label || "Picture";
  image.decoding = "async";
  image.tabIndex = 0;
  image.src = place;
  image.title = "Full size";
  const turn = () => image.classList.toggle("full");
  image.addEventListener("click", turn);
  image.addEventListener("keydown", event => { if (event.key === "Enter") turn(); });
  image.addEventListener("error", () => image.replaceWith(element("p", "note", "The picture cannot be shown.")));
  return image;
}

async function textOf(fields) {
  try {
    const answer = await fetch(address("text", fields));
    return answer.ok ? await answer.text() : "";
  } catch {
    return "";
  }
}

function fallback(fields, note) {
  const node = element("div", "text");
  textOf(fields).then(text => {
    for (const line of (text || "[a display that cannot be shown as text]").split("\n")) node.append(textRow(line, "display"));
    if (note) node.append(element("p", "note", note));
  });
  return node;
}

// The fields of the address of each frame.
const frames = new WeakMap();

// Frames tell their height. What they say is trusted no further than that.
addEventListener("message", event => {
  const { height, empty } = event.data || {};
  if (event.origin !== "null" || typeof height !== "number") return;
  for (const node of document.querySelectorAll("iframe.frame:not(.figure)")) {
    if (node.contentWindow !== event.source) continue;
    // A text of a lesson may be a comment alone.
    if (empty === true && "part" in frames.get(node)) node.remove();
    else if (empty === true) node.replaceWith(fallback(frames.get(node), "Scripts of outputs do not run here."));
    else node.style.height = `${Math.min(Math.max(Math.ceil(height), 16), TALLEST_FRAME)}px`;
    return;
  }
});

export function framed(fields, label) {
  const node = element("iframe", "frame");
  node.setAttribute("sandbox", "allow-scripts allow-popups allow-popups-to-escape-sandbox");
  node.title = label || "Output";
  node.referrerPolicy = "no-referrer";
  node.src = address("frame", fields);
  frames.set(node, fields);
  return node;
}

// What Bokeh puts out beside its figures: the scripts of its library with a logo, and an empty place for each figure.
const BOKEH_SCRIPTS = "application/vnd.bokehjs_load.v0+json";
const BOKEH_PLACE = /^\s*<div id="[^"<>]*" data-root-id="[^"<>]*"[^<>]*><\/div>\s*$|class="bk-notebook-logo"/;

function isBesideBokeh(byType) {
  return byType.has(BOKEH_SCRIPTS) || (byType.size === 1 && BOKEH_PLACE.test(byType.get("text/html")?.text || ""));
}

// What the server has drawn as a picture: charts, diagrams, the first page of a PDF, and HTML that only loads a chart.
const DRAWN = /^(application\/vnd\.(vega(lite)?\.v\d+|plotly\.v1)[+.]json|text\/vnd\.mermaid|application\/pdf)$/;

function isDrawn(byType, plain) {
  return [...byType.keys()].some(mime => DRAWN.test(mime)) || holdsChart(byType.get("text/html"), plain);
}

// A picture that the server has drawn, else what shows the display in another way.
function drawing(fields, label, note) {
  const node = element("div");
  const ground = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const place = address("drawing", { ...fields, ground });
  const draw = async () => {
    const answer = await fetch(`${place}&check=1`);
    if (!answer.ok) throw new Error((await answer.json()).message);
    const image = shownPicture(place, label || "Chart");
    // It has two pixels for each of its own.
    image.addEventListener("load", () => { image.width = Math.ceil(image.naturalWidth / 2); });
    node.replaceChildren(image);
    if (note) node.append(element("p", "note", note));
  };
  draw().catch(error => node.replaceChildren(fallback(fields, error.message)));
  return node;
}

function isChart(part) {
  return part.mime.startsWith("application/vnd.") && part.mime !== "application/vnd.dataresource+json";
}

function displayed(display, fields, { isInteractive, board, views }) {
  const model = modelOf(display);
  if (model && board.has(model)) return views.node(model);
  const byType = new Map(display.parts.map(part => [part.mime.split(";")[0].trim().toLowerCase(), part]));
  const plain = byType.get("text/plain")?.text || "";
  const label = plain.slice(0, 200);
  const image = PICTURES.find(mime => byType.has(mime));
  const asPicture = note => {
    const node = element("div");
    node.append(picture(byType.get(image), label), element("p", "note", note));
    return node;
  };
  if (isBesideBokeh(byType)) return element("div");
  const otherwise = note => {
    if (image) return asPicture(note);
    return isDrawn(byType, plain) ? drawing(fields, label, note) : fallback(fields, note);
  };
  if (isInteractive && isFigure(display)) return figureNode("figure", fields, label, otherwise);
  if (image) return picture(byType.get(image), label);
  const note = isFigure(display) ? "A page that was opened with --interactive lets you zoom and hover." : "";
  if (isDrawn(byType, plain)) return drawing(fields, label, note);
  if (isFigure(display)) return fallback(fields, "Figures are drawn on a page that was opened with --interactive.");
  if (display.parts.some(isChart)) return fallback(fields, "Outputs of this type are not drawn here.");
  if (FRAMED.some(mime => byType.has(mime))) return framed(fields, label);
  if (plain) {
    const node = element("div", "text");
    for (const line of plain.split("\n")) node.append(textRow(line, display.role === "result" ? "result" : "display"));
    return node;
  }
  return fallback(fields, "");
}

function failed(error) {
  const node = element("div", "traceback");
  const lines = error.traceback?.length ? error.traceback.join("\n").split("\n") : [`${error.name}: ${error.value}`];
  for (const line of lines) node.append(textRow(line, "error"));
  return node;
}

// `fields` lead the server to the display of the row. `shown` has whether figures are drawn, and the
// board and the views of widgets.
export function rowNode(row, fields, shown) {
  if (row.kind === "error") return failed(row.error);
  if (row.kind !== "display") return textRow(row.text, row.kind);
  const node = element("figure", "display");
  node.append(displayed(row.display, fields, shown));
  return node;
}

export { visible };
