// Controls of dates, times and animations. The session makes the steps of an animation.

import { button, changes, element, field } from "./nodes.js";
import { dateText, number, words } from "./numbers.js";

const FIELDS = { DatePicker: "date", Time: "time", Datetime: "datetime-local", NaiveDatetime: "datetime-local" };

// A date, a time or both, in the parts that ipywidgets has: months count from 0, and a moment with a
// time zone is in UTC, which is shown in the time of this browser.
export function moment({ kind, state, act }) {
  const node = field(FIELDS[kind]);
  node.addEventListener("change", () => {
    const value = typedMoment(kind, node.value);
    if (JSON.stringify(value) !== JSON.stringify(state().value ?? null)) act.set({ value });
  });
  const write = changes(value => { node.value = momentText(kind, value); });
  return {
    nodes: [node],
    fields: [node],
    show(now) {
      // Seconds are a part of the field only where its step has them.
      node.step = kind === "DatePicker" ? "1" : "any";
      write(now.value);
    },
  };
}

function clockText(value) {
  const parts = [value.hours, value.minutes, value.seconds].map(part => String(number(part)).padStart(2, "0"));
  return number(value.seconds) ? parts.join(":") : parts.slice(0, 2).join(":");
}

function momentText(kind, value) {
  if (!value || typeof value !== "object") return "";
  if (kind === "Time") return clockText(value);
  if (kind === "DatePicker") return dateText(value);
  const parts = kind === "Datetime" ? inLocalTime(value) : value;
  return `${dateText(parts)}T${clockText(parts)}`;
}

function inLocalTime(value) {
  const at = new Date(Date.UTC(
    number(value.year), number(value.month), number(value.date),
    number(value.hours), number(value.minutes), number(value.seconds), number(value.milliseconds),
  ));
  return {
    year: at.getFullYear(), month: at.getMonth(), date: at.getDate(),
    hours: at.getHours(), minutes: at.getMinutes(), seconds: at.getSeconds(), milliseconds: at.getMilliseconds(),
  };
}

// What the user has typed; null where that is no moment.
function typedMoment(kind, text) {
  const match = /^(?:(\d{4,6})-(\d\d)-(\d\d))?T?(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?$/.exec(text);
  if (!match || !text) return null;
  const [year, month, date, hours, minutes, seconds] = match.slice(1, 7).map(part => Number(part || 0));
  const day = { year, month: month - 1, date };
  const clock = { hours, minutes, seconds, milliseconds: Number((match[7] || "0").padEnd(3, "0")) };
  if (kind === "DatePicker") return day;
  if (kind === "Time") return clock;
  if (kind === "NaiveDatetime") return { ...day, ...clock };
  const at = new Date(year, month - 1, date, hours, minutes, seconds, clock.milliseconds);
  return {
    year: at.getUTCFullYear(), month: at.getUTCMonth(), date: at.getUTCDate(),
    hours: at.getUTCHours(), minutes: at.getUTCMinutes(), seconds: at.getUTCSeconds(), milliseconds: at.getUTCMilliseconds(),
  };
}

// Plays, stops and repeats; from the end it begins again.
export function play({ state, act }) {
  const key = name => (`_${name}` in state() ? `_${name}` : name);
  const first = () => ({ value: number(state().min) });
  const start = button("", "▶", () => {
    const begins = !state()[key("playing")];
    const isAtEnd = number(state().value) >= number(state().max, 100);
    act.set({ [key("playing")]: begins, ...(begins && isAtEnd ? first() : {}) });
  });
  const stop = button("", "■", () => act.set({ [key("playing")]: false, ...first() }));
  const repeat = button("", "↻", () => act.set({ [key("repeat")]: !state()[key("repeat")] }));
  const names = new Map([[start, "Play"], [stop, "Stop"], [repeat, "Repeat"]]);
  for (const [node, name] of names) {
    node.title = name;
    node.setAttribute("aria-label", name);
  }
  const readout = element("output", "readout");
  return {
    nodes: [start, stop, repeat, readout],
    fields: [start, stop, repeat],
    show(now) {
      const isPlaying = Boolean(now[key("playing")]);
      start.textContent = isPlaying ? "⏸" : "▶";
      start.setAttribute("aria-pressed", String(isPlaying));
      repeat.setAttribute("aria-pressed", String(Boolean(now[key("repeat")])));
      repeat.hidden = now.show_repeat === false;
      readout.textContent = `${words(now.value)} / ${words(now.max)}`;
    },
  };
}
