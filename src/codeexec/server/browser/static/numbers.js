// Numbers, dates and texts of widgets, whatever a kernel has put into their state.

import { visible } from "./ansi.js";

const LONGEST = 2000;

export function number(value, otherwise = 0) {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

// A value on one line, as it is shown.
export function words(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.slice(0, 20).map(words).join(" – ");
  if (typeof value === "number") return String(Number.isInteger(value) ? value : Number(value.toPrecision(12)));
  if (typeof value === "object") return dateText(value) || "…";
  return visible(String(value).slice(0, LONGEST));
}

// A number in one of the formats that sliders use, such as ".2f" and "d".
export function formatted(value, format) {
  const match = /^\.(\d{1,2})([fgeE%])$/.exec(format || "");
  if (!match || typeof value !== "number") return words(value);
  const digits = Math.min(Number(match[1]), 12);
  if (match[2] === "f") return value.toFixed(digits);
  if (match[2] === "%") return `${(value * 100).toFixed(digits)}%`;
  if (match[2] === "g") return String(Number(value.toPrecision(Math.max(digits, 1))));
  return match[2] === "E" ? value.toExponential(digits).toUpperCase() : value.toExponential(digits);
}

// The range of a slider or a progress bar; of a log slider the exponents.
export class Scale {
  constructor(kind, state) {
    this.isLog = kind === "FloatLogSlider";
    this.isInt = kind.startsWith("Int");
    this.base = number(state.base, 10);
    this.low = number(state.min, 0);
    this.high = number(state.max, 100);
    this.step = Math.abs(number(state.step, 0)) || (this.isInt ? 1 : 0.1);
  }

  // Where a value is between `low` and `high`.
  position(value) {
    const position = this.isLog ? Math.log(number(value)) / Math.log(this.base) : number(value, this.low);
    return Math.min(Math.max(number(position, this.low), this.low), this.high);
  }

  value(position) {
    const value = this.isLog ? this.base ** position : position;
    return this.isInt ? Math.round(value) : Number(value.toPrecision(12));
  }
}

// The number that the user has typed; NaN where it is none.
export function typedNumber(kind, state, text) {
  if (!text.trim()) return NaN;
  let value = Number(text);
  if (kind.startsWith("Bounded")) value = Math.min(Math.max(value, number(state.min, value)), number(state.max, value));
  return kind.includes("Int") ? Math.round(value) : value;
}

// A date of ipywidgets, whose months count from 0, as fields of pages have it.
export function dateText(value) {
  if (typeof value?.year !== "number") return "";
  const parts = [String(value.year).padStart(4, "0"), value.month + 1, value.date];
  return parts.map(part => String(part).padStart(2, "0")).join("-");
}
