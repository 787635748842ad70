// Figures of plotly, Bokeh and Vega: frames in which the JavaScript of their package draws.

import { element } from "./nodes.js";

const TALLEST = 4000;

// What shows the display of each frame where the figure cannot be drawn.
const fallbacks = new WeakMap();

// Frames tell their height and one of three states. What they say is trusted no further than that.
addEventListener("message", event => {
  const { height, state } = event.data || {};
  if (event.origin !== "null" || typeof height !== "number") return;
  for (const node of document.querySelectorAll("iframe.figure")) {
    if (node.contentWindow !== event.source) continue;
    node.style.height = `${Math.min(Math.max(Math.ceil(height), 16), TALLEST)}px`;
    if (state === "drawn") node.dataset.state = "drawn";
    if (state === "failed") node.parentNode.replaceChildren(fallbacks.get(node)("The figure cannot be drawn."));
    if (state === "blocked" && !node.nextElementSibling) {
      node.after(element("p", "note", "The figure asks for something from a network. Nothing is loaded from there."));
    }
    return;
  }
});

const FIGURE = /^application\/vnd\.(plotly\.v1\+|bokehjs_exec\.v0\+|vega(lite)?\.v\d+[+.])json\b/i;
const EMBEDS = /\bvegaEmbed\b|\bvega-embed\b|\bPlotly\.newPlot\s*\(/;
const ALTAIR_TEXT = /^alt\.\w*Chart\(\.\.\.\)$/;

// HTML that only loads a chart; a page that is too long to be at hand is one where the text beside it is Altair's.
export function holdsChart(html, plain) {
  return Boolean(html) && (html.text ? EMBEDS.test(html.text) : ALTAIR_TEXT.test(plain.trim()));
}

export function isFigure(display) {
  const html = display.parts.find(part => /^text\/html\b/i.test(part.mime));
  const plain = display.parts.find(part => /^text\/plain\b/i.test(part.mime));
  return display.parts.some(part => FIGURE.test(part.mime)) || holdsChart(html, plain?.text || "");
}

// `fallback` makes a node that shows the display in another way, with a note.
export function figureNode(address, fields, label, fallback) {
  const node = element("div");
  const query = new URLSearchParams(fields);
  const draw = async () => {
    const answer = await fetch(`${address}?${query}&check=1`);
    if (!answer.ok) {
      const { message, next_step: step } = await answer.json();
      throw new Error([message, step].filter(Boolean).join(" "));
    }
    const frame = element("iframe", "frame figure");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.title = label || "Figure";
    frame.referrerPolicy = "no-referrer";
    frame.loading = "lazy"; // each frame has a library of 5 MB
    frame.src = `${address}?${query}`;
    fallbacks.set(frame, fallback);
    node.replaceChildren(frame);
  };
  draw().catch(error => node.replaceChildren(fallback(error.message)));
  return node;
}
