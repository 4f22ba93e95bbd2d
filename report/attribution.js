"use strict";

// The study's ways to share an answer out over the pixels, on whatever frame the reader has made. Each is a generator:
// it yields the share that is done, so that the page can go on in slices, and returns a map [H, W], the attributions of
// the stack's planes added up. `src/minetest_interp/analysis/attribution.py` says more; tests hold the maps against its
// own.
const attribution = (() => {
  /** Numbers added up over the planes that have `length` numbers each. */
  function added(numbers, length) {
    const sum = new Float64Array(length);
    numbers.forEach((number, i) => (sum[i % length] += number));
    return sum;
  }

  /** How many pixels a plane has. */
  const size = ({ policy: { stack: [, height, width] } }) => height * width;

  const slopes = ({ policy, question, changed }, stack) => network.gradient(policy, stack, question, changed);

  /** The slopes of a frame [P, H, W]; where one plane is repeated, they add up over the stack. */
  const slopesOf = (task, frame) => added(slopes(task, network.still(task.policy, frame)), frame.length);

  // A method without steps is a generator too, so that all have one interface.
  function* gradient(task, frame) {
    yield 0;
    return added(slopesOf(task, frame), size(task));
  }

  function* gradientTimesInput(task, frame) {
    yield 0;
    return added(slopesOf(task, frame).map((slope, i) => slope * frame[i]), size(task));
  }

  function* integrated(task, frame, baseline) {
    const { steps } = task.policy.attribution;
    const sum = new Float64Array(frame.length);
    for (let step = 0; step < steps; step++) {
      yield step / steps;
      const share = (step + 0.5) / steps;
      const between = frame.map((level, i) => baseline[i] + share * (level - baseline[i]));
      slopesOf(task, between).forEach((slope, i) => (sum[i] += slope));
    }
    return added(sum.map((slope, i) => (slope / steps) * (frame[i] - baseline[i])), size(task));
  }

  /** Noise is drawn anew for each plane of the stack, from a seed: the same frame always has the same map. */
  function* smoothGradient(task, frame) {
    const { samples, noise } = task.policy.attribution;
    const normal = normalNumbers(1);
    const sum = new Float64Array(size(task));
    for (let sample = 0; sample < samples; sample++) {
      yield sample / samples;
      const noisy = network.still(task.policy, frame).map((level) => level + noise * normal());
      added(slopes(task, noisy), sum.length).forEach((slope, i) => (sum[i] += slope));
    }
    return sum.map((slope) => slope / samples);
  }

  /** Unlike the study's, a window covers all planes of the stack at once: a quarter of the runs for four frames. */
  function* occlusion(task, frame) {
    const { policy, question, changed } = task;
    const [, , width] = policy.stack;
    const { patch, patch_stride: stride } = policy.attribution;
    const ask = (shown) =>
      network.answer(policy, network.forward(policy, network.still(policy, shown), changed), question);
    const whole = ask(frame);
    const [rows, columns] = policy.reads.map((length) => windows(length, patch, stride));
    const [sum, covers] = [new Float64Array(size(task)), new Float64Array(size(task))];
    let done = 0;
    for (const top of rows) {
      for (const left of columns) {
        yield done++ / (rows.length * columns.length);
        const covered = frame.slice();
        const pixels = [];
        for (let row = top; row < top + patch; row++) {
          for (let column = left; column < left + patch; column++) pixels.push(row * width + column);
        }
        for (let plane = 0; plane < frame.length; plane += sum.length) {
          for (const i of pixels) covered[plane + i] = policy.mean[plane + i];
        }
        const loss = (whole - ask(covered)) / patch ** 2;
        for (const i of pixels) {
          sum[i] += loss;
          covers[i] += 1;
        }
      }
    }
    return sum.map((loss, i) => loss / Math.max(1, covers[i]));
  }

  /** Where windows begin; the last one ends where the network stops reading. */
  function windows(length, patch, stride) {
    const starts = [];
    for (let start = 0; start < length - patch; start += stride) starts.push(start);
    return [...starts, length - patch];
  }

  /** Standard normal numbers from a seed (mulberry32, then Box and Muller). */
  function normalNumbers(seed) {
    let state = seed;
    const uniform = () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
    return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }

  /** Method to a generator of (task, frame); a task is {policy, question, changed}. Names are the study's. */
  const METHODS = {
    gradient,
    "gradient × input": gradientTimesInput,
    "IG, black": (task, frame) => integrated(task, frame, new Float32Array(frame.length)),
    "IG, mean frame": (task, frame) => integrated(task, frame, task.policy.mean),
    SmoothGrad: smoothGradient,
    "occlusion, all frames at once": occlusion,
  };

  return { METHODS };
})();
