// Figures of plotly and Bokeh: frames in which the JavaScript of their package draws.

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

export function isFigure(display) {
  return display.parts.some(part => /^application\/vnd\.(plotly\.v1|bokehjs_exec\.v0)\+json\b/i.test(part.mime));
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
