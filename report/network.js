"use strict";

// The policy in the reader's browser. No library is used: the network is three convolutions and two dense layers, 4
// million multiplications. onnxruntime-web is over 10 MB of WebAssembly, which a page opened from disk may not fetch;
// tfjs is 1.5 MB. Both would be there for the arithmetic below, which tests hold against JAX, logit by logit.
//
// A stack is a Float32Array [T, S, S], grey levels 0 to 255. An activation is a Float32Array [row, column, channel],
// convolutions before their ReLU, "hidden" after it. Sums are kept in double precision, which is also the faster way.
const network = (() => {
  const CONVOLUTIONS = ["conv0", "conv1", "conv2"];
  const LAYERS = [...CONVOLUTIONS, "hidden"];

  /** Numbers from base64 of their little-endian bytes. */
  function numbers(text, Kind = Float32Array) {
    return new Kind(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  }

  /** A policy from what policy.js stores: weights decoded, each layer's shape worked out. */
  function decode(stored) {
    const { geometry } = stored;
    const layers = {};
    let side = geometry.size;
    let inputs = geometry.frames;
    CONVOLUTIONS.forEach((name, i) => {
      const [channels, size, stride] = [geometry.channels[i], geometry.kernels[i], geometry.strides[i]];
      const outside = Math.floor((side - size) / stride) + 1;
      layers[name] = { inputSide: side, inputs, size, stride, side: outside, channels };
      [side, inputs] = [outside, channels];
    });
    layers.hidden = { inputs: side * side * inputs, side: 1, channels: geometry.hidden };
    layers.actor = { inputs: geometry.hidden, channels: geometry.actions };
    layers.critic = { inputs: geometry.hidden, channels: 1 };
    for (const [name, { kernel, bias }] of Object.entries(stored.weights)) {
      Object.assign(layers[name], { kernel: numbers(kernel), bias: numbers(bias) });
    }
    return { ...stored, layers, mean: numbers(stored.mean) };
  }

  /** A grey frame [S, S] as a still stack, as the study shows its frames. */
  function still(policy, grey) {
    const stack = new Float32Array(policy.geometry.frames * grey.length);
    for (let t = 0; t < policy.geometry.frames; t++) stack.set(grey, t * grey.length);
    return stack;
  }

  /** Calls visit(outputStart, inputStart, kernelStart, count) for each run of numbers that a convolution multiplies. */
  function eachPatchRow(layer, visit) {
    const count = layer.size * layer.inputs;
    for (let row = 0; row < layer.side; row++) {
      for (let column = 0; column < layer.side; column++) {
        const output = (row * layer.side + column) * layer.channels;
        for (let dy = 0; dy < layer.size; dy++) {
          const input = ((row * layer.stride + dy) * layer.inputSide + column * layer.stride) * layer.inputs;
          visit(output, input, dy * count * layer.channels, count);
        }
      }
    }
  }

  function convolve(layer, input) {
    const { kernel, channels } = layer;
    const sums = new Float64Array(layer.side * layer.side * channels);
    for (let start = 0; start < sums.length; start += channels) sums.set(layer.bias, start);
    eachPatchRow(layer, (output, from, at, count) => {
      for (let i = 0; i < count; i++) {
        const x = input[from + i];
        if (x === 0) continue;
        const taps = at + i * channels;
        for (let o = 0; o < channels; o++) sums[output + o] += x * kernel[taps + o];
      }
    });
    return Float32Array.from(sums);
  }

  function multiply(layer, input) {
    const { kernel, channels } = layer;
    const sums = Float64Array.from(layer.bias);
    for (let i = 0; i < input.length; i++) {
      const x = input[i];
      if (x === 0) continue;
      const weights = i * channels;
      for (let o = 0; o < channels; o++) sums[o] += x * kernel[weights + o];
    }
    return Float32Array.from(sums);
  }

  const rectified = (activation) => activation.map((x) => (x > 0 ? x : 0));

  function silence(activation, silenced, channels) {
    for (const channel of silenced || []) {
      for (let i = channel; i < activation.length; i += channels) activation[i] = 0;
    }
  }

  /**
   * Runs the policy on one stack.
   *
   * silenced: layer to the channels that are set to zero at every position, as `interventions.ablation_effects` does.
   * Returns layers (name to activation), logits [A] and value.
   */
  function forward(policy, stack, silenced = {}) {
    const { frames, size } = policy.geometry;
    const area = size * size;
    let x = new Float32Array(stack.length);
    for (let t = 0; t < frames; t++) {
      for (let i = 0; i < area; i++) x[i * frames + t] = stack[t * area + i] / 255;
    }
    const layers = {};
    for (const name of LAYERS) {
      const layer = policy.layers[name];
      const found = name === "hidden" ? rectified(multiply(layer, x)) : convolve(layer, x);
      silence(found, silenced[name], layer.channels);
      layers[name] = found;
      x = name === "hidden" ? found : rectified(found);
    }
    return { layers, logits: multiply(policy.layers.actor, x), value: multiply(policy.layers.critic, x)[0] };
  }

  /** Softmax of logits. */
  function probabilities(logits) {
    const most = Math.max(...logits);
    const shares = Float64Array.from(logits, (logit) => Math.exp(logit - most));
    const total = shares.reduce((sum, share) => sum + share, 0);
    return shares.map((share) => share / total);
  }

  /** What a run answers to a question: a behaviour's name, or "value". */
  function answer(policy, run, question) {
    if (question === "value") return run.value;
    const weights = policy.behaviours[question];
    return probabilities(run.logits).reduce((sum, p, action) => sum + p * weights[action], 0);
  }

  /** Through a dense layer backwards: the slopes of its inputs from those of its outputs. */
  function pull({ kernel, channels, inputs }, slopes) {
    const found = new Float64Array(inputs);
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < channels; o++) found[i] += kernel[i * channels + o] * slopes[o];
    }
    return found;
  }

  /** The gradient of an answer with respect to the stack, [T, S, S], per grey level. A silenced channel has none. */
  function gradient(policy, stack, question, silenced = {}) {
    const run = forward(policy, stack, silenced);
    let slopes;
    if (question === "value") {
      slopes = pull(policy.layers.critic, [1]);
    } else {
      const weights = policy.behaviours[question];
      const mean = answer(policy, run, question);
      slopes = pull(policy.layers.actor, probabilities(run.logits).map((p, action) => p * (weights[action] - mean)));
    }
    // What the ReLU cuts, or what is silenced, passes nothing on.
    const cut = (name) => slopes.forEach((_, i) => (slopes[i] = run.layers[name][i] > 0 ? slopes[i] : 0));
    cut("hidden");
    slopes = pull(policy.layers.hidden, slopes);
    for (const name of [...CONVOLUTIONS].reverse()) {
      cut(name);
      const layer = policy.layers[name];
      const { kernel, channels } = layer;
      const below = new Float64Array(layer.inputSide * layer.inputSide * layer.inputs);
      eachPatchRow(layer, (output, from, at, count) => {
        for (let i = 0; i < count; i++) {
          const taps = at + i * channels;
          let sum = 0;
          for (let o = 0; o < channels; o++) sum += slopes[output + o] * kernel[taps + o];
          below[from + i] += sum;
        }
      });
      slopes = below;
    }
    const { frames, size } = policy.geometry;
    const area = size * size;
    return Float32Array.from(stack, (_, i) => slopes[(i % area) * frames + Math.floor(i / area)] / 255);
  }

  return { LAYERS, numbers, decode, still, forward, probabilities, answer, gradient };
})();
