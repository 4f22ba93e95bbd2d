"use strict";

// What a reader does to a frame: pure functions over its planes, Float32Array [H, W] each, 0 to 255, tested in numpy.
const edits = (() => {
  const MOST = 255;

  /** No edit of frames of this size. paint is for every plane, with NaN where nothing is painted. */
  const none = (height, width) => ({
    width,
    mirror: false,
    shiftX: 0,
    shiftY: 0,
    blur: 0,
    invert: false,
    gamma: 0,
    paint: new Float32Array(height * width).fill(NaN),
  });

  /** Left and right exchanged, of any number of planes. */
  const mirror = (frame, width) => frame.map((_, i) => frame[i - 2 * (i % width) + width - 1]);

  /** The place between 0 and a length that is nearest. */
  const inside = (place, length) => Math.min(length - 1, Math.max(0, place));

  /** Moved right by x and down by y pixels; the border is drawn on into what comes free. */
  function shift(grey, width, x, y) {
    const height = grey.length / width;
    return grey.map(
      (_, i) => grey[inside(Math.floor(i / width) - y, height) * width + inside((i % width) - x, width)],
    );
  }

  /** A Gaussian of a standard deviation in pixels, cut off at four of them; the border is drawn on. */
  function blur(grey, width, deviation) {
    if (deviation === 0) return grey.slice();
    const height = grey.length / width;
    const reach = Math.floor(4 * deviation + 0.5);
    const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / deviation) ** 2));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const along = (from, place) =>
      from.map((_, i) => {
        const [row, column] = [Math.floor(i / width), i % width];
        let sum = 0;
        for (let k = -reach; k <= reach; k++) sum += weights[k + reach] * from[place(row, column, k)];
        return sum / total;
      });
    const across = along(grey, (row, column, k) => row * width + inside(column + k, width));
    return along(across, (row, column, k) => inside(row + k, height) * width + column);
  }

  const invert = (grey) => grey.map((level) => MOST - level);

  /** Brighter where amount is above 0, darker below: each level to the power 2^-amount, black and white kept. */
  const gamma = (grey, amount) => grey.map((level) => MOST * (level / MOST) ** (2 ** -amount));

  const paintOver = (grey, paint) => grey.map((level, i) => (Number.isNaN(paint[i]) ? level : paint[i]));

  /** Every edit but the mirror, in turn, of one plane; what is painted lies on top. */
  function applyToPlane(grey, asked) {
    let edited = blur(shift(grey, asked.width, asked.shiftX, asked.shiftY), asked.width, asked.blur);
    if (asked.invert) edited = invert(edited);
    return paintOver(gamma(edited, asked.gamma), asked.paint);
  }

  /** Every edit of every plane of a frame [P, H, W]. `other` is the frame's mirror image, as the study has it. */
  function apply(frame, other, asked) {
    const size = asked.paint.length;
    const edited = (asked.mirror ? other : frame).slice();
    for (let at = 0; at < edited.length; at += size) {
      edited.set(applyToPlane(edited.subarray(at, at + size), asked), at);
    }
    return edited;
  }

  /** The edits that give the mirror image of what `asked` gives. */
  const mirrored = (asked) => ({
    ...asked,
    mirror: !asked.mirror,
    shiftX: -asked.shiftX,
    paint: mirror(asked.paint, asked.width),
  });

  const isNone = (asked) =>
    !asked.mirror && !asked.invert && asked.paint.every(Number.isNaN) &&
    [asked.shiftX, asked.shiftY, asked.blur, asked.gamma].every((amount) => amount === 0);

  /** What is painted, and a square of `size` pixels about (x, y) in a grey level. */
  function stroke({ paint, width }, x, y, size, level) {
    const [left, top] = [x, y].map((place) => Math.round(place - (size - 1) / 2));
    return paint.map((old, i) => {
      const [column, row] = [(i % width) - left, Math.floor(i / width) - top];
      return column >= 0 && column < size && row >= 0 && row < size ? level : old;
    });
  }

  /** The largest part of a picture, about its middle, that has an aspect (width / height). */
  function crop(width, height, aspect) {
    const wide = Math.min(width, Math.round(height * aspect));
    const high = Math.min(height, Math.round(width / aspect));
    return { left: Math.floor((width - wide) / 2), top: Math.floor((height - high) / 2), width: wide, height: high };
  }

  // OpenCV's weights of red, green and blue for 8-bit pictures.
  const luma = (red, green, blue) => (4899 * red + 9617 * green + 1868 * blue + 8192) >> 14;

  /** The nearest whole number; of two, the even one. */
  const toEven = (x) => (x - Math.floor(x) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

  /** One colour of a picture averaged over the areas of [height, width] pixels, rounded to whole levels. */
  function average(levels, width, height, size) {
    const shares = (length, parts) =>
      Array.from({ length: parts }, (_, i) => {
        const [from, to] = [(i * length) / parts, ((i + 1) * length) / parts];
        const found = [];
        for (let at = Math.floor(from); at < to; at++) {
          const share = Math.min(at + 1, to) - Math.max(at, from);
          if (share > 1e-3) found.push([at, share / (to - from)]);
        }
        return found;
      });
    const [rows, columns] = [shares(height, size[0]), shares(width, size[1])];
    const made = rows.map((row) =>
      columns.map((column) => {
        let sum = 0;
        for (const [y, high] of row) {
          for (const [x, wide] of column) sum += high * wide * levels[y * width + x];
        }
        return toEven(sum);
      }),
    );
    return Float32Array.from(made.flat());
  }

  /** Red, green and blue of a picture, each averaged; options as in `grey`. */
  const averages = (pixels, width, height, size) =>
    [0, 1, 2].map((colour) => {
      const levels = new Uint8Array(width * height);
      for (let i = 0; i < levels.length; i++) levels[i] = pixels[4 * i + colour];
      return average(levels, width, height, size);
    });

  /**
   * What a network of grey frames sees of a picture, as `frames.grey` computes it, to one grey level.
   *
   * pixels: RGBA, width * height * 4. size: height and width of what the network sees. order: "notebook" drops colour
   * first and averages second, "environment" the reverse.
   */
  function grey(pixels, width, height, size, order) {
    if (order === "notebook") {
      const levels = new Uint8Array(width * height);
      for (let i = 0; i < levels.length; i++) levels[i] = luma(pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2]);
      return average(levels, width, height, size);
    }
    const [red, green, blue] = averages(pixels, width, height, size);
    return red.map((level, i) => luma(level, green[i], blue[i]));
  }

  /** What a network of colours sees of a picture, [3, H, W], as `frames.colours` computes it; options as in `grey`. */
  const colours = (pixels, width, height, size) =>
    Float32Array.from(averages(pixels, width, height, size).flatMap((levels) => [...levels]));

  return { none, mirror, shift, blur, invert, gamma, apply, mirrored, isNone, stroke, crop, grey, colours };
})();
