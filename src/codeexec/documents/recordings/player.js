"use strict";
(() => {
  const recording = JSON.parse(document.getElementById("recording").textContent);
  const canvas = document.getElementById("screen");
  const context = canvas.getContext("2d", { alpha: false });
  const [playButton, place, time, speed, marker] = ["play", "place", "time", "speed", "marker"].map(
    (id) => document.getElementById(id),
  );
  const { columns, rows, frames, lines, looks, markers, blocks, end, background } = recording;
  const fontSize = 14;
  const font = (flags) =>
    `${flags & 2 ? "italic " : ""}${flags & 1 ? "bold " : ""}${fontSize}px ` +
    "ui-monospace, Menlo, 'DejaVu Sans Mono', Consolas, monospace";
  const scale = Math.max(window.devicePixelRatio || 1, 1);
  context.font = font(0);
  const width = Math.ceil(context.measureText("M").width);
  const height = Math.ceil(fontSize * 1.25);
  canvas.width = columns * width * scale;
  canvas.height = rows * height * scale;
  canvas.style.width = `${columns * width}px`;

  let shown = 0; // number of frames that are on the screen
  let at = 0;
  let last = null; // when the frame before was drawn, while it plays
  let screen = new Array(rows).fill(-1);

  const drawCharacter = (character, x, y, cells) => {
    const block = blocks[character];
    if (block === undefined) {
      context.fillText(character, x, y + height * 0.76, cells * width);
      return;
    }
    for (const [left, top, wide, high] of block) {
      // Edges lie on whole pixels, so that neighbours touch.
      const x0 = Math.round((x + left * width) * scale) / scale;
      const y0 = Math.round((y + top * height) * scale) / scale;
      const x1 = Math.round((x + (left + wide) * width) * scale) / scale;
      const y1 = Math.round((y + (top + high) * height) * scale) / scale;
      context.fillRect(x0, y0, x1 - x0, y1 - y0);
    }
  };

  const drawSpan = (text, cells, look, x, y) => {
    const [color, ground, flags] = looks[look];
    if (ground) {
      context.fillStyle = ground;
      context.fillRect(x, y, cells * width, height);
    }
    context.fillStyle = color;
    context.font = font(flags);
    const characters = Array.from(text);
    if (characters.length === cells) {
      characters.forEach((character, number) => {
        if (character !== " ") drawCharacter(character, x + number * width, y, 1);
      });
    } else if (characters.length * 2 === cells) {
      characters.forEach((character, number) => {
        drawCharacter(character, x + number * 2 * width, y, 2);
      });
    } else {
      context.fillText(text, x, y + height * 0.76, cells * width);
    }
    if (flags & 4) context.fillRect(x, y + height - 2, cells * width, 1);
    if (flags & 8) context.fillRect(x, y + height / 2, cells * width, 1);
  };

  const drawRow = (number) => {
    const y = number * height;
    context.fillStyle = background;
    context.fillRect(0, y, columns * width, height);
    let x = 0;
    for (const [text, cells, look] of screen[number] < 0 ? [] : lines[screen[number]]) {
      drawSpan(text, cells, look, x, y);
      x += cells * width;
    }
  };

  const clock = (seconds) => {
    const whole = Math.floor(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };

  const show = () => {
    const changed = new Set();
    if (shown > 0 && frames[shown - 1][0] > at) {
      shown = 0;
      screen = new Array(rows).fill(-1);
      for (let number = 0; number < rows; number += 1) changed.add(number);
    }
    while (shown < frames.length && frames[shown][0] <= at) {
      for (const [number, line] of frames[shown][1]) {
        screen[number] = line;
        changed.add(number);
      }
      shown += 1;
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    for (const number of changed) drawRow(number);
    place.value = end > 0 ? at / end : 1;
    time.textContent = `${clock(at)} / ${clock(end)}`;
    const passed = markers.filter(([begin]) => begin <= at).length;
    if (markers.length) marker.selectedIndex = Math.max(passed - 1, 0);
    canvas.dataset.at = String(at);
  };

  const turn = (now) => {
    if (last === null) return;
    at = Math.min(at + ((now - last) / 1000) * Number(speed.value), end);
    last = now;
    show();
    if (at >= end) pause();
    else window.requestAnimationFrame(turn);
  };
  const pause = () => {
    last = null;
    playButton.textContent = "Play";
  };
  const play = () => {
    if (at >= end) at = 0;
    last = window.performance.now();
    playButton.textContent = "Pause";
    window.requestAnimationFrame(turn);
  };
  const go = (to) => {
    at = Math.min(Math.max(to, 0), end);
    show();
  };
  const step = (by) => {
    pause();
    const number = Math.min(Math.max(shown - 1 + by, 0), frames.length - 1);
    if (frames.length) go(frames[number][0]);
  };

  playButton.addEventListener("click", () => (last === null ? play() : pause()));
  canvas.addEventListener("click", () => (last === null ? play() : pause()));
  place.addEventListener("input", () => go(Number(place.value) * end));
  marker.addEventListener("change", () => go(markers[marker.selectedIndex][0]));
  document.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey) return;
    const keys = {
      " ": () => (last === null ? play() : pause()),
      ArrowRight: () => go(at + 5),
      ArrowLeft: () => go(at - 5),
      ".": () => step(1),
      ",": () => step(-1),
      "]": () => go((markers.find(([begin]) => begin > at) || [at])[0]),
      "[": () => go((markers.filter(([begin]) => begin < at).pop() || [0])[0]),
      Home: () => go(0),
      End: () => go(end),
    };
    if (event.key in keys) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  for (const [, title] of markers) {
    const option = document.createElement("option");
    option.textContent = title;
    marker.append(option);
  }
  marker.hidden = markers.length === 0;
  // `#12.5` in the address is a place in seconds.
  const wanted = Number(window.location.hash.slice(1));
  go(Number.isFinite(wanted) ? wanted : 0);
})();
