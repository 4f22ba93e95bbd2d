"use strict";

// The activation of a layer on a canvas: a tile for each channel, a cell for each position.
const tiles = (() => {
  const { colour, rgb } = page;
  const LEAST = [[12, 40], [2, 30], [1, 8]]; // from so many positions across, a tile's least width in CSS pixels
  const MOST = 72;
  const GAP = 3;

  /** 256 colours from the strongest minus over zero to the strongest plus, as the bytes of a canvas. */
  function palette() {
    const [minus, zero, plus] = ["minus", "zero", "plus"].map(rgb);
    return Uint32Array.from({ length: 256 }, (_, i) => {
      const [end, share] = [i < 128 ? minus : plus, Math.abs(i - 127.5) / 127.5];
      const [red, green, blue] = zero.map((level, k) => Math.round(level + share * (end[k] - level)));
      return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    });
  }

  /** Tiles in a line, how many lines, and the pixels of a cell and of a tile with its gap. */
  function layout(canvas, { rows, columns, channels }) {
    const width = canvas.parentElement.clientWidth;
    const least = Math.max(LEAST.find(([across]) => columns >= across)[1], columns + GAP);
    const lines = Math.ceil(channels / Math.max(1, Math.floor(width / least)));
    const line = Math.ceil(channels / lines);
    const cell = Math.max(1, Math.floor((Math.min(MOST, Math.floor(width / line)) - GAP) / columns));
    return { line, lines, cell, wide: cell * columns + GAP, high: cell * rows + GAP };
  }

  /** Draws a layer's activation; `range` gets the full colour. */
  function draw(canvas, layer, activation, range, { silenced, selected }) {
    const { columns, channels } = layer;
    const { line, lines, cell, wide, high } = layout(canvas, layer);
    Object.assign(canvas, { width: line * wide, height: lines * high });
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const colours = palette();
    const corner = (channel) => [(channel % line) * wide, Math.floor(channel / line) * high];
    activation.forEach((value, i) => {
      const [channel, place] = [i % channels, Math.floor(i / channels)];
      const ink = colours[Math.round(127.5 * (1 + Math.min(1, Math.max(-1, value / range))))];
      const left = (channel % line) * wide + (place % columns) * cell + 1;
      const top = Math.floor(channel / line) * high + Math.floor(place / columns) * cell + 1;
      for (let y = top; y < top + cell; y++) pixels.fill(ink, y * canvas.width + left, y * canvas.width + left + cell);
    });
    context.putImageData(image, 0, 0);
    context.strokeStyle = colour("alarm");
    context.lineWidth = 2;
    context.beginPath();
    for (const channel of silenced) {
      const [left, top] = corner(channel);
      context.moveTo(left + 2, top + 2);
      context.lineTo(left + wide - 3, top + high - 3);
      context.moveTo(left + wide - 3, top + 2);
      context.lineTo(left + 2, top + high - 3);
    }
    context.stroke();
    if (selected !== null) {
      const [left, top] = corner(selected);
      context.strokeStyle = colour("ink");
      context.strokeRect(left + 0.5, top + 0.5, wide - 2, high - 2);
    }
  }

  /** The channel whose tile a pointer is on, or null. */
  function at(canvas, layer, event) {
    const { line, wide, high } = layout(canvas, layer);
    const box = canvas.getBoundingClientRect();
    const scale = box.width / canvas.width;
    const column = Math.floor((event.clientX - box.left) / (wide * scale));
    const channel = Math.floor((event.clientY - box.top) / (high * scale)) * line + column;
    return column < line && channel < layer.channels ? channel : null;
  }

  return { draw, at };
})();
