"use strict";

// What networks are made of, forwards and backwards. No library is used: onnxruntime-web is over 10 MB of WebAssembly,
// which a page opened from disk may not fetch; tfjs is 1.5 MB. Both would be there for the arithmetic below, which tests
// hold against JAX, layer by layer.
//
// An activation is a Float32Array [row, column, channel], or [channel]. An operation is a record as policy.js stores it:
// its kind, the shapes that it is given and makes, its settings and weights. Of an activation it gives what it makes,
// and `back`, a function of the slopes of that to the slopes of what it was given. Sums are kept in double precision,
// which is also the faster way.
const operations = (() => {
  const count = (shape) => shape.reduce((product, length) => product * length, 1);
  const channelsOf = (shape) => shape[shape.length - 1];

  /** Softmax of numbers. */
  function softmax(numbers) {
    const most = Math.max(...numbers);
    const shares = Float64Array.from(numbers, (number) => Math.exp(number - most));
    const total = shares.reduce((sum, share) => sum + share, 0);
    return shares.map((share) => share / total);
  }

  /**
   * Calls visit(place, from, tap, length) for each run of positions that a window sees in a row: the window's place in
   * what is made, where the run begins in what is given and in the window, and its length. Padding is left out.
   */
  function eachRun({ given, made, window, strides, pads }, visit) {
    const [height, width] = given;
    const [rows, columns] = made;
    for (let row = 0; row < rows; row++) {
      const top = row * strides[0] - pads[0][0];
      const [first, end] = [Math.max(0, -top), Math.min(window[0], height - top)];
      for (let column = 0; column < columns; column++) {
        const left = column * strides[1] - pads[1][0];
        const start = Math.max(0, -left);
        const length = Math.min(window[1], width - left) - start;
        for (let dy = first; dy < end; dy++) {
          visit(row * columns + column, (top + dy) * width + left + start, dy * window[1] + start, length);
        }
      }
    }
  }

  /** A weighted sum of what each window sees. each: as `eachRun`. */
  function linear(each) {
    return (operation, x) => {
      const { given, made, kernel, bias } = operation;
      const [inputs, channels] = [channelsOf(given), channelsOf(made)];
      const sums = new Float64Array(count(made));
      for (let start = 0; start < sums.length; start += channels) sums.set(bias, start);
      each(operation, (place, from, tap, length) => {
        const [output, input, taps] = [place * channels, from * inputs, tap * inputs * channels];
        for (let i = 0; i < length * inputs; i++) {
          const number = x[input + i];
          if (number === 0) continue;
          const weights = taps + i * channels;
          for (let o = 0; o < channels; o++) sums[output + o] += number * kernel[weights + o];
        }
      });
      const back = (slopes) => {
        const below = new Float64Array(x.length);
        each(operation, (place, from, tap, length) => {
          const [output, input, taps] = [place * channels, from * inputs, tap * inputs * channels];
          for (let i = 0; i < length * inputs; i++) {
            const weights = taps + i * channels;
            let sum = 0;
            for (let o = 0; o < channels; o++) sum += slopes[output + o] * kernel[weights + o];
            below[input + i] += sum;
          }
        });
        return below;
      };
      return [Float32Array.from(sums), back];
    };
  }

  /** Calls visit(output, input) for each number that a window of a pool sees, in the order of rows. */
  function eachPair(operation, visit) {
    const channels = channelsOf(operation.made);
    eachRun(operation, (place, from, tap, length) => {
      for (let i = 0; i < length * channels; i++) visit(place * channels + (i % channels), from * channels + i);
    });
  }

  /** The largest number of each window; of several, the first takes the slope. */
  function maxPool(operation, x) {
    const chosen = new Int32Array(count(operation.made)).fill(-1);
    eachPair(operation, (output, input) => {
      if (chosen[output] < 0 || x[input] > x[chosen[output]]) chosen[output] = input;
    });
    const back = (slopes) => {
      const below = new Float64Array(x.length);
      chosen.forEach((input, output) => (below[input] += slopes[output]));
      return below;
    };
    return [Float32Array.from(chosen, (input) => x[input]), back];
  }

  /** The mean of each window, with padding as zeros. */
  function meanPool(operation, x) {
    const area = count(operation.window);
    const sums = new Float64Array(count(operation.made));
    eachPair(operation, (output, input) => (sums[output] += x[input] / area));
    const back = (slopes) => {
      const below = new Float64Array(x.length);
      eachPair(operation, (output, input) => (below[input] += slopes[output] / area));
      return below;
    };
    return [Float32Array.from(sums), back];
  }

  /** Layer normalisation over the channels of each position. */
  function normalise({ made, epsilon, scale, bias }, x) {
    const channels = channelsOf(made);
    const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / channels;
    const normal = new Float64Array(x.length); // mean 0, variance 1
    const rates = new Float64Array(x.length / channels);
    rates.forEach((_, place) => {
      const here = Float64Array.from(x.subarray(place * channels, (place + 1) * channels));
      const middle = mean(here);
      const rate = 1 / Math.sqrt(mean(here.map((number) => (number - middle) ** 2)) + epsilon);
      normal.set(here.map((number) => (number - middle) * rate), place * channels);
      rates[place] = rate;
    });
    const back = (slopes) => {
      const below = slopes.map((slope, i) => slope * scale[i % channels]);
      rates.forEach((rate, place) => {
        const [start, end] = [place * channels, (place + 1) * channels];
        const [here, shape] = [below.slice(start, end), normal.subarray(start, end)];
        const [middle, along] = [mean(here), mean(here.map((slope, i) => slope * shape[i]))];
        below.set(here.map((slope, i) => rate * (slope - middle - shape[i] * along)), start);
      });
      return below;
    };
    return [Float32Array.from(normal, (number, i) => number * scale[i % channels] + bias[i % channels]), back];
  }

  /** A function of each number, by itself and its derivative. */
  const apply = (value, derivative) => (_, x) => [
    x.map((number) => value(number)),
    (slopes) => slopes.map((slope, i) => slope * derivative(x[i])),
  ];

  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  /** A stack [T, H, W] to [H, W, T], divided by a number. */
  function scale({ given, divisor }, stack) {
    const [frames, area] = [given[0], given[1] * given[2]];
    const x = new Float32Array(stack.length);
    for (let t = 0; t < frames; t++) {
      for (let i = 0; i < area; i++) x[i * frames + t] = stack[t * area + i] / divisor;
    }
    return [x, (slopes) => slopes.map((_, i) => slopes[(i % area) * frames + Math.floor(i / area)] / divisor)];
  }

  /** What is given, plus what steps make of it. */
  function residual({ steps }, x) {
    const [inside, back] = run(steps, x);
    const through = (slopes) => {
      const below = back(slopes);
      return below.map((slope, i) => slope + slopes[i]);
    };
    return [inside.map((number, i) => number + x[i]), through];
  }

  /** The means of distributions over evenly spaced returns, one for each action. */
  function expectation({ made, atoms, lowest, highest }, scores) {
    const returns = Float64Array.from({ length: atoms }, (_, i) => lowest + (i * (highest - lowest)) / (atoms - 1));
    const [shares, means] = [new Float64Array(scores.length), new Float32Array(count(made))];
    means.forEach((_, action) => {
      const here = softmax(scores.subarray(action * atoms, (action + 1) * atoms));
      shares.set(here, action * atoms);
      means[action] = here.reduce((sum, share, i) => sum + share * returns[i], 0);
    });
    const back = (slopes) =>
      shares.map((share, i) => {
        const action = Math.floor(i / atoms);
        return slopes[action] * share * (returns[i % atoms] - means[action]);
      });
    return [means, back];
  }

  /** Some channels multiplied by a factor at every position, or set to `given` numbers, which pass no slope on. */
  function change({ made, changed }, x) {
    const channels = channelsOf(made);
    const changes = (numbers, make) => {
      const found = numbers.slice();
      for (const one of changed) {
        for (let i = one.channel; i < found.length; i += channels) found[i] = make(one, i);
      }
      return found;
    };
    return [
      changes(x, ({ factor, given }, i) => (given ? given[i] : factor * x[i])),
      (slopes) => changes(slopes, ({ factor, given }, i) => (given ? 0 : factor * slopes[i])),
    ];
  }

  const KINDS = {
    scale,
    convolution: linear(eachRun),
    dense: linear((_, visit) => visit(0, 0, 0, 1)),
    relu: apply((x) => (x > 0 ? x : 0), (x) => (x > 0 ? 1 : 0)),
    tanh: apply(Math.tanh, (x) => 1 - Math.tanh(x) ** 2),
    silu: apply((x) => x * sigmoid(x), (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
    "max pool": maxPool,
    "mean pool": meanPool,
    normalise,
    flatten: (_, x) => [x, (slopes) => slopes],
    residual,
    expectation,
    change,
  };

  /** Operations in turn: what they make, and the function back. */
  function run(steps, x) {
    const backs = [];
    let made = x;
    for (const operation of steps) {
      const [next, back] = KINDS[operation.kind](operation, made);
      made = next;
      backs.unshift(back);
    }
    return [made, (slopes) => backs.reduce((found, back) => back(found), slopes)];
  }

  return { run, softmax };
})();
