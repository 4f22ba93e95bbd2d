"use strict";

// The activation of a layer on a canvas: a tile for each channel, a cell for each position; numbers stand below tiles.
const tiles = (() => {
  const { colour, make, rgb } = page;
  const LEAST = [[12, 37], [2, 27], [1, 9]]; // from so many positions across, a tile's least width in CSS pixels
  const MOST = 72;
  const GAP = 3;
  const LABEL = 13; // CSS pixels below a tile that is wide enough for its number
  const LABELLED = 18;

  /** 256 colours from the strongest minus over zero to the strongest plus, as the bytes of a canvas. */
  function palette() {
    const [minus, zero, plus] = ["minus", "zero", "plus"].map(rgb);
    return Uint32Array.from({ length: 256 }, (_, i) => {
      const [end, share] = [i < 128 ? minus : plus, Math.abs(i - 127.5) / 127.5];
      const [red, green, blue] = zero.map((level, k) => Math.round(level + share * (end[k] - level)));
      return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    });
  }

  /** Tiles in a line, how many lines, and the pixels of a cell and of a tile with its gap, and its number. */
  function layout(canvas, { rows, columns, channels }) {
    const width = canvas.parentElement.clientWidth;
    const least = Math.max(LEAST.find(([across]) => columns >= across)[1], columns + GAP);
    const lines = Math.ceil(channels / Math.max(1, Math.floor(width / least)));
    const line = Math.ceil(channels / lines);
    const cell = Math.max(1, Math.floor((Math.min(MOST, Math.floor(width / line)) - GAP) / columns));
    const [wide, high] = [cell * columns + GAP, cell * rows + GAP];
    return { line, lines, cell, wide, high: high + (wide >= LABELLED ? LABEL : 0), picture: high };
  }

  /** Sets a canvas's size where it is another, for every change makes the browser lay the page out anew. */
  function resize(canvas, width, height) {
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
  }

  /** Fills the cells of one channel, from a corner of an image; `range` gets the full colour. */
  function fillCells({ pixels, width }, [left, top], cell, { columns, channels }, activation, channel, range, colours) {
    for (let i = channel; i < activation.length; i += channels) {
      const place = Math.floor(i / channels);
      const ink = colours[Math.round(127.5 * (1 + Math.min(1, Math.max(-1, activation[i] / range))))];
      const x = left + (place % columns) * cell;
      const y = top + Math.floor(place / columns) * cell;
      for (let row = y; row < y + cell; row++) pixels.fill(ink, row * width + x, row * width + x + cell);
    }
  }

  /** Draws a layer's activation; `changed` channels are crossed out. */
  function draw(canvas, layer, activation, range, { changed, pinned, selected }) {
    const { channels } = layer;
    const { line, lines, cell, wide, high, picture } = layout(canvas, layer);
    resize(canvas, line * wide, lines * high);
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const into = { pixels: new Uint32Array(image.data.buffer), width: canvas.width };
    const colours = palette();
    const corner = (channel) => [(channel % line) * wide, Math.floor(channel / line) * high];
    for (let channel = 0; channel < channels; channel++) {
      const [left, top] = corner(channel);
      fillCells(into, [left + 1, top + 1], cell, layer, activation, channel, range, colours);
    }
    context.putImageData(image, 0, 0);
    context.strokeStyle = colour("alarm");
    context.lineWidth = 2;
    context.beginPath();
    for (const channel of changed) {
      const [left, top] = corner(channel);
      context.moveTo(left + 2, top + 2);
      context.lineTo(left + wide - 3, top + picture - 3);
      context.moveTo(left + wide - 3, top + 2);
      context.lineTo(left + 2, top + picture - 3);
    }
    context.stroke();
    const framed = [...pinned.map((one) => [one, "link"]), ...(selected === null ? [] : [[selected, "ink"]])];
    for (const [channel, ink] of framed) {
      const [left, top] = corner(channel);
      context.strokeStyle = colour(ink);
      context.strokeRect(left + 0.5, top + 0.5, wide - 2, picture - 2);
    }
    number(canvas, { line, wide, high, picture, channels });
  }

  /** Puts each tile's number below it, anew only where the layout has changed. */
  function number(canvas, { line, wide, high, picture, channels }) {
    const marks = canvas.nextElementSibling;
    const made = [line, wide, high, channels].join(" ");
    if (marks.dataset.made === made) return;
    marks.dataset.made = made;
    marks.replaceChildren(...(high === picture ? [] : Array.from({ length: channels }, (_, channel) => {
      const mark = make("span", {}, String(channel));
      mark.style.left = `${(channel % line) * wide}px`;
      mark.style.top = `${Math.floor(channel / line) * high + picture - 2}px`;
      mark.style.width = `${wide - 2}px`;
      return mark;
    })));
  }

  /** Draws one channel as large as a canvas of `side` pixels may be. */
  function drawOne(canvas, layer, activation, channel, range, side) {
    const cell = Math.max(1, Math.floor(side / Math.max(layer.columns, layer.rows)));
    resize(canvas, cell * layer.columns, cell * layer.rows);
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const into = { pixels: new Uint32Array(image.data.buffer), width: canvas.width };
    fillCells(into, [0, 0], cell, layer, activation, channel, range, palette());
    context.putImageData(image, 0, 0);
  }

  /** The channel whose tile a pointer is on, or null. */
  function at(canvas, layer, event) {
    const { line, wide, high } = layout(canvas, layer);
    const box = canvas.getBoundingClientRect();
    const scale = box.width / canvas.width;
    const column = Math.floor((event.clientX - box.left) / (wide * scale));
    const channel = Math.floor((event.clientY - box.top) / (high * scale)) * line + column;
    return column >= 0 && column < line && channel >= 0 && channel < layer.channels ? channel : null;
  }

  return { draw, drawOne, at, layout };
})();
