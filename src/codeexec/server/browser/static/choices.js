// Controls of widgets that choose among options, by the numbers of these.

import { button, element } from "./nodes.js";
import { number, words } from "./numbers.js";

const MOST_OPTIONS = 2000;

let groups = 0;

function labelsOf(state) {
  return Array.isArray(state._options_labels) ? state._options_labels.slice(0, MOST_OPTIONS).map(words) : [];
}

// The numbers of the chosen options.
function chosen(state) {
  return (Array.isArray(state.index) ? state.index : [state.index]).filter(Number.isInteger);
}

// Makes the options anew where they are others.
function options(make) {
  let before = "";
  return state => {
    const labels = labelsOf(state);
    const now = JSON.stringify(labels);
    if (now === before) return;
    before = now;
    make(labels);
  };
}

function list({ kind, act }) {
  const node = element("select");
  node.multiple = kind === "SelectMultiple";
  node.addEventListener("change", () => {
    const index = node.multiple ? [...node.selectedOptions].map(option => option.index) : node.selectedIndex;
    act.set({ index });
  });
  const write = options(labels => {
    node.replaceChildren(...labels.map(label => {
      const option = element("option");
      option.textContent = label;
      return option;
    }));
  });
  return {
    nodes: [node],
    fields: [node],
    show(state) {
      write(state);
      if (kind !== "Dropdown") node.size = Math.min(Math.max(number(state.rows, 5), 2), 30);
      if (node.multiple) {
        const on = new Set(chosen(state));
        for (const option of node.options) option.selected = on.has(option.index);
      } else {
        node.selectedIndex = chosen(state)[0] ?? -1;
      }
    },
  };
}

function radios({ act }) {
  const node = element("div", "options");
  node.setAttribute("role", "radiogroup");
  const name = `options-${++groups}`;
  const fields = [];
  const write = options(labels => {
    fields.length = 0;
    node.replaceChildren(...labels.map((label, index) => {
      const line = element("label");
      const input = element("input");
      Object.assign(input, { type: "radio", name });
      input.addEventListener("change", () => act.set({ index }));
      fields.push(input);
      line.append(input, ` ${label}`);
      return line;
    }));
  });
  return {
    nodes: [node],
    fields,
    show(state) {
      write(state);
      const [index] = chosen(state);
      fields.forEach((input, at) => { input.checked = at === index; });
    },
  };
}

function buttons({ act }) {
  const node = element("div", "options beside");
  node.setAttribute("role", "group");
  const fields = [];
  const write = options(labels => {
    fields.length = 0;
    fields.push(...labels.map((label, index) => button("", label || " ", () => act.set({ index }))));
    node.replaceChildren(...fields);
  });
  return {
    nodes: [node],
    fields,
    show(state) {
      write(state);
      const [index] = chosen(state);
      fields.forEach((option, at) => option.setAttribute("aria-pressed", String(at === index)));
    },
  };
}

function slider({ kind, state, act }) {
  const isRange = kind === "SelectionRangeSlider";
  const ends = Array.from({ length: isRange ? 2 : 1 }, () => {
    const node = element("input");
    node.type = "range";
    return node;
  });
  const readout = element("output", "readout");
  const both = element("span", "ends");
  both.append(...ends);
  for (const end of ends) {
    const tell = () => {
      const index = ends.map(node => Number(node.value)).sort((one, other) => one - other);
      if (JSON.stringify(index) !== JSON.stringify(chosen(state()))) act.set({ index: isRange ? index : index[0] });
    };
    end.addEventListener("input", () => { if (state().continuous_update !== false) tell(); });
    end.addEventListener("change", tell);
  }
  return {
    nodes: [both, readout],
    fields: ends,
    show(now) {
      const labels = labelsOf(now);
      const index = chosen(now);
      ends.forEach((end, at) => {
        Object.assign(end, { min: 0, max: Math.max(labels.length - 1, 0), step: 1 });
        if (!isRange || document.activeElement !== end) end.value = index[at] ?? 0;
      });
      readout.textContent = index.map(at => labels[at] ?? "").join(" – ");
      readout.hidden = now.readout === false;
    },
  };
}

const BY_KIND = {
  Dropdown: list, Select: list, SelectMultiple: list, RadioButtons: radios, ToggleButtons: buttons,
  SelectionSlider: slider, SelectionRangeSlider: slider,
};

export function choiceOf(kind) {
  return Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind] : null;
}
