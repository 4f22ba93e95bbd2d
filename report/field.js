"use strict";

// A field of the world that the reader moves through: what the agent sees in a cell, and what the build stored of its answer.
(() => {
  const { $, study, fill, filled, make, oncePainted, plainNumber, signed } = page;
  const { codes, bearings, columns, ends, turning, value } = study;
  const [height, width] = study.size;
  const [bearing, canvas] = [$("bearing"), $("cell")];
  const selects = [...document.querySelectorAll("[data-factor]")];
  const places = [...document.querySelectorAll("[name=place]")];
  const factors = Object.keys(codes);
  const cells = turning.map((_, cell) => cell);
  const swept = cells.filter((cell) => codes.bearing[cell] !== null);
  const first = swept[0]; // of the base
  const sheet = make("img", { src: study.sheet, onload: () => draw() });
  let chosen = nearest("bearing", bearings.indexOf(Math.min(...bearings.map(Math.abs))), first);
  let shown = chosen; // or a place of the map

  /** The cell with a level of a factor that is otherwise most like `from`, and of those most like the base. */
  function nearest(factor, code, from) {
    const like = (cell, other) => factors.filter((name) => codes[name][cell] === codes[name][other]).length;
    const score = (cell) => (factors.length + 1) * like(cell, from) + like(cell, first);
    const found = swept.filter((cell) => codes[factor][cell] === code);
    return found.reduce((best, cell) => (score(cell) > score(best) ? cell : best), found[0] ?? first);
  }

  /** The cells that differ from one in the trunk's place alone, from left to right. */
  function sweep(cell) {
    const same = (other) => factors.every((name) => name === "bearing" || codes[name][other] === codes[name][cell]);
    return swept.filter(same).sort((one, other) => codes.bearing[one] - codes.bearing[other]);
  }

  function place(degrees) {
    const side = degrees > 0 ? "left" : degrees < 0 ? "right" : "ahead";
    return filled(bearing.dataset[side], { number: plainNumber(Math.abs(degrees), 0) });
  }

  /** Draws a chart of numbers by the trunk's place, the left on the left. */
  function plot(figure, numbers, [low, high]) {
    const [left, right] = [bearings[0], bearings[bearings.length - 1]];
    const across = (degrees) => (left === right ? 0.5 : (left - degrees) / (left - right));
    const up = (number) => (number - low) / (high - low);
    const at = (cell) => [across(bearings[codes.bearing[cell]]), up(numbers[cell])];
    const points = (line) => line.map(at).map(([x, y]) => `${200 * x},${100 - 100 * y}`).join(" ");
    const zero = low <= 0 && high >= 0 ? `M0 ${100 - 100 * up(0)}H200` : "";
    figure.querySelector(".axes").setAttribute("d", `${zero}M${200 * across(0)} 0V100`);
    figure.querySelector(".base").setAttribute("points", points(sweep(nearest("time", codes.time[chosen], first))));
    figure.querySelector(".now").setAttribute("points", points(sweep(chosen)));
    const here = figure.querySelector(".here");
    here.hidden = shown !== chosen;
    const [x, y] = at(chosen);
    Object.assign(here.style, { left: `${100 * x}%`, bottom: `${100 * y}%` });
  }

  function draw() {
    Object.assign(canvas, { width, height });
    const [x, y] = [shown % columns, Math.floor(shown / columns)];
    canvas.getContext("2d").drawImage(sheet, x * width, y * height, width, height, 0, 0, width, height);
    const trunk = place(bearings[codes.bearing[chosen]]);
    bearing.value = codes.bearing[chosen];
    bearing.setAttribute("aria-valuetext", trunk);
    for (const select of selects) select.value = codes[select.dataset.factor][chosen];
    for (const radio of places) radio.checked = Number(radio.value) === shown;
    const said = $("cell-says");
    const where = shown === chosen ? filled(said.dataset.trunk, { place: trunk })
      : places.find((radio) => radio.checked).nextSibling.textContent;
    const known = value ? filled(said.dataset.value, { number: signed(value[shown], 2) }) : "";
    fill(said, { where, turn: dial.point($("moved"), turning[shown]), value: known });
    plot($("turning-chart"), turning, ends.turning);
    if (value) plot($("value-chart"), value, ends.value);
  }

  const redraw = oncePainted(draw);
  function choose(factor, code) {
    chosen = nearest(factor, code, chosen);
    shown = chosen;
    redraw();
  }

  bearing.addEventListener("input", () => choose("bearing", Number(bearing.value)));
  for (const select of selects) {
    select.addEventListener("input", () => choose(select.dataset.factor, Number(select.value)));
  }
  for (const radio of places) {
    radio.addEventListener("input", () => {
      shown = Number(radio.value);
      chosen = nearest("bearing", codes.bearing[chosen], first);
      redraw();
    });
  }
  bearing.max = bearings.length - 1;
  $("world").hidden = false;
  draw();
})();
