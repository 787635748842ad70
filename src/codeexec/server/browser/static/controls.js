// Controls of single widgets. Each has a node, and shows a state; what its user does goes to `act`:
// `set` values, `click`, `submit`. A control writes into a field only what has changed in the state,
// so that nobody types against the kernel.

import { button, changes, element, field } from "./nodes.js";
import { moment, play } from "./moments.js";
import { formatted, number, Scale, typedNumber, words } from "./numbers.js";

const LONGEST = 100000;

// The event after which a value is sent.
function listen(node, state, isContinuous, tell) {
  node.addEventListener("input", () => { if (state().continuous_update ?? isContinuous) tell(); });
  node.addEventListener("change", tell);
}

function slider({ kind, state, act }) {
  const range = field("range");
  const readout = element("output", "readout");
  const shown = value => formatted(value, state().readout_format);
  const value = () => new Scale(kind, state()).value(Number(range.value));
  range.addEventListener("input", () => { readout.textContent = shown(value()); });
  listen(range, state, true, () => { if (value() !== state().value) act.set({ value: value() }); });
  return {
    nodes: [range, readout],
    fields: [range],
    show(now) {
      const scale = new Scale(kind, now);
      Object.assign(range, { min: scale.low, max: scale.high, step: scale.step });
      range.value = scale.position(now.value);
      readout.textContent = shown(now.value);
      readout.hidden = now.readout === false;
    },
  };
}

// Two sliders, one for each end.
function rangeSlider({ kind, state, act }) {
  const ends = [field("range"), field("range")];
  const readout = element("output", "readout");
  ends.forEach((end, at) => { end.dataset.end = at ? "highest" : "lowest"; });
  const values = () => {
    const scale = new Scale(kind, state());
    return ends.map(end => scale.value(Number(end.value))).sort((one, other) => one - other);
  };
  const shown = list => list.map(value => formatted(value, state().readout_format)).join(" – ");
  for (const end of ends) {
    end.addEventListener("input", () => { readout.textContent = shown(values()); });
    listen(end, state, true, () => {
      if (JSON.stringify(values()) !== JSON.stringify(state().value)) act.set({ value: values() });
    });
  }
  const both = element("span", "ends");
  both.append(...ends);
  return {
    nodes: [both, readout],
    fields: ends,
    show(now) {
      const scale = new Scale(kind, now);
      const list = Array.isArray(now.value) ? now.value.slice(0, 2) : [scale.low, scale.high];
      ends.forEach((end, at) => {
        Object.assign(end, { min: scale.low, max: scale.high, step: scale.step });
        // While an end is moved beyond the other one, each stays the end that its user moves.
        if (document.activeElement !== end) end.value = scale.position(list[at]);
      });
      readout.textContent = shown(list);
      readout.hidden = now.readout === false;
    },
  };
}

function text({ kind, state, act }) {
  const node = kind === "Textarea" ? field("", "textarea") : field(kind === "Password" ? "password" : "text");
  node.spellcheck = false;
  listen(node, state, true, () => { if (node.value !== state().value) act.set({ value: node.value }); });
  if (kind !== "Textarea") {
    node.addEventListener("keydown", event => {
      if (event.key !== "Enter" || event.isComposing) return;
      if (node.value !== state().value) act.set({ value: node.value });
      act.submit();
    });
  }
  // The page is not told what a password is.
  const write = changes(value => { if (kind !== "Password") node.value = typeof value === "string" ? value.slice(0, LONGEST) : ""; });
  return {
    nodes: [node],
    fields: [node],
    show(now) {
      write(now.value);
      node.placeholder = words(now.placeholder);
      if (kind === "Textarea") node.rows = Math.min(Math.max(number(now.rows, 4), 1), 40);
    },
  };
}

function numeric({ kind, state, act }) {
  const node = field("number");
  const tell = () => {
    const value = typedNumber(kind, state(), node.value);
    if (Number.isFinite(value) && value !== state().value) act.set({ value });
    node.value = state().value ?? "";
  };
  node.addEventListener("change", tell);
  const write = changes(value => { node.value = value ?? ""; });
  return {
    nodes: [node],
    fields: [node],
    show(now) {
      node.step = Math.abs(number(now.step, 0)) || (kind.includes("Int") ? 1 : "any");
      if (kind.startsWith("Bounded")) Object.assign(node, { min: number(now.min), max: number(now.max, 100) });
      write(now.value);
    },
  };
}

function checkbox({ act }) {
  const node = field("checkbox");
  node.addEventListener("change", () => act.set({ value: node.checked }));
  return { nodes: [node], fields: [node], isLabelAfter: true, show: now => { node.checked = Boolean(now.value); } };
}

function styled(node, now) {
  node.dataset.style = ["primary", "success", "info", "warning", "danger"].includes(now.button_style) ? now.button_style : "";
  node.title = words(now.tooltip);
  node.textContent = words(now.description) || words(now.icon) || "button";
}

function push({ act }) {
  const node = button("", "", () => act.click());
  return { nodes: [node], fields: [node], isLabelled: true, show: now => styled(node, now) };
}

function toggle({ state, act }) {
  const node = button("", "", () => act.set({ value: !state().value }));
  return {
    nodes: [node],
    fields: [node],
    isLabelled: true,
    show(now) {
      styled(node, now);
      node.setAttribute("aria-pressed", String(Boolean(now.value)));
    },
  };
}

function valid() {
  const node = element("span", "valid");
  return {
    nodes: [node],
    fields: [],
    show(now) {
      node.dataset.valid = String(Boolean(now.value));
      node.textContent = now.value ? "✓ valid" : `✗ ${words(now.readout) || "Invalid"}`;
    },
  };
}

function progress({ kind }) {
  const node = element("progress");
  return {
    nodes: [node],
    fields: [],
    show(now) {
      const scale = new Scale(kind, now);
      node.max = Math.max(scale.high - scale.low, Number.MIN_VALUE);
      node.value = scale.position(now.value) - scale.low;
      node.dataset.style = ["success", "info", "warning", "danger"].includes(now.bar_style) ? now.bar_style : "";
    },
  };
}

function written() {
  const node = element("span", "written");
  return {
    nodes: [node],
    fields: [],
    show(now) {
      const lines = typeof now.value === "string" ? now.value.slice(0, LONGEST) : "";
      if (node.textContent !== lines) node.textContent = lines;
      node.classList.toggle("aligned", lines.includes("\n")); // tables are
    },
  };
}

function image({ buffer }) {
  const node = element("img", "picture");
  const write = changes(([format, content]) => {
    node.hidden = !content;
    if (content) node.src = `data:image/${format === "svg" ? "svg+xml" : format};base64,${content}`;
  });
  return {
    nodes: [node],
    fields: [],
    show(now) {
      node.alt = words(now.description) || "Image";
      write([/^[a-z0-9]{2,5}$/.test(now.format) ? now.format : "png", buffer("value")]);
    },
  };
}

const BY_KIND = {
  IntSlider: slider, FloatSlider: slider, FloatLogSlider: slider,
  IntRangeSlider: rangeSlider, FloatRangeSlider: rangeSlider,
  Text: text, Textarea: text, Password: text, Combobox: text, ColorPicker: text,
  IntText: numeric, BoundedIntText: numeric, FloatText: numeric, BoundedFloatText: numeric,
  DatePicker: moment, Time: moment, Datetime: moment, NaiveDatetime: moment, Play: play, Checkbox: checkbox, Button: push, ToggleButton: toggle, Valid: valid,
  IntProgress: progress, FloatProgress: progress,
  Label: written, HTML: written, HTMLMath: written, Image: image,
};

export function controlOf(kind) {
  return Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind] : null;
}
