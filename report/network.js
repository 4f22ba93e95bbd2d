"use strict";

// The policy in the reader's browser: layers and heads, each a list of operations.
//
// A stack is a Float32Array [T, H, W], levels 0 to 255. A frame of the page is [P, H, W]: one plane, a grey picture
// that is repeated, or all T planes of a stack, which are grey frames (the newest last) or the colours of one picture.
const network = (() => {
  /** Numbers from base64 of their little-endian bytes. */
  function numbers(text, Kind = Float32Array) {
    const letters = atob(text);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i); // Uint8Array.from takes 20 times as long
    return new Kind(bytes.buffer);
  }

  /** A policy from what policy.js stores: weights decoded, each with its operation; layers and heads by name. */
  function decode(stored) {
    const weights = (name) =>
      Object.entries(stored.weights[name] || {}).map(([key, text]) => [key, numbers(text)]);
    const complete = (steps) =>
      steps.map((operation) => ({
        ...operation,
        ...Object.fromEntries(weights(operation.name)),
        steps: operation.steps && complete(operation.steps),
      }));
    const layers = stored.layers.map(({ name, shape, steps }) => {
      const [channels, columns = 1, rows = 1] = [...shape].reverse();
      return [name, { shape, rows, columns, channels, steps: complete(steps) }];
    });
    const heads = stored.heads.map(({ name, steps }) => [name, complete(steps)]);
    return {
      ...stored,
      layers: Object.fromEntries(layers),
      heads: Object.fromEntries(heads),
      mean: numbers(stored.mean),
    };
  }

  /** Numbers again and again, up to a length. */
  function repeated(numbers, length) {
    const found = new Float32Array(length);
    for (let at = 0; at < length; at += numbers.length) found.set(numbers, at);
    return found;
  }

  /** A frame as the stack that the study shows: one plane is repeated, a stack stays as it is. */
  const still = (policy, frame) => repeated(frame, policy.stack.reduce((product, length) => product * length));

  /**
   * Changes of units as `forward` takes them: by layer.
   *
   * units: each a layer and a channel, with the factor that multiplies it, or the source that it takes its numbers
   * from. sources: a Map of each source to the layers of its run.
   */
  function changes(units, sources) {
    const found = {};
    for (const { layer, channel, factor, source } of units) {
      const one = source === undefined ? { channel, factor } : { channel, given: sources.get(source)[layer] };
      (found[layer] = found[layer] || []).push(one);
    }
    return found;
  }

  /** A run, and `back`: the slopes of the stack from those of what a head gives. */
  function trace(policy, stack, changed) {
    const [layers, backs, heads] = [{}, [], {}];
    let x = stack;
    for (const [name, { shape, steps }] of Object.entries(policy.layers)) {
      const here = changed[name];
      const change = { kind: "change", made: shape, changed: here };
      const [made, back] = operations.run(here ? [...steps, change] : steps, x);
      layers[name] = x = made;
      backs.unshift(back);
    }
    for (const [name, steps] of Object.entries(policy.heads)) heads[name] = operations.run(steps, x);
    const run = { layers };
    if (heads.actor) run.logits = heads.actor[0];
    if (heads.critic) run.value = heads.critic[0][0];
    if (heads.q) Object.assign(run, { q: heads.q[0], value: Math.max(...heads.q[0]) });
    const back = (head, slopes) => backs.reduce((found, step) => step(found), heads[head][1](slopes));
    return { run, back };
  }

  /**
   * Runs the policy on one stack.
   *
   * changed: layer to the changes of its channels as they are shown, at every position (see `changes`).
   * Returns layers (name to activation) and what the heads give: logits [A], q [A], value.
   */
  const forward = (policy, stack, changed = {}) => trace(policy, stack, changed).run;

  const weighed = (numbers, weights) => numbers.reduce((sum, number, action) => sum + number * weights[action], 0);

  /** What a run answers to a question: a behaviour's name, or "value". Behaviours weigh Q values or probabilities. */
  function answer(policy, run, question) {
    if (question === "value") return run.value;
    return weighed(run.q || operations.softmax(run.logits), policy.behaviours[question]);
  }

  /** The head that an answer is read from, and the answer's slopes with respect to what the head gives. */
  function read(policy, run, question) {
    const weights = policy.behaviours[question];
    if (question === "value") {
      return run.q ? ["q", run.q.map((_, action) => Number(action === run.q.indexOf(run.value)))] : ["critic", [1]];
    }
    if (run.q) return ["q", weights];
    const mean = answer(policy, run, question);
    return ["actor", operations.softmax(run.logits).map((p, action) => p * (weights[action] - mean))];
  }

  /** The gradient of an answer with respect to the stack, [T, H, W], per grey level. A channel that is set to numbers passes none on. */
  function gradient(policy, stack, question, changed = {}) {
    const { run, back } = trace(policy, stack, changed);
    return Float32Array.from(back(...read(policy, run, question)));
  }

  return { numbers, decode, repeated, still, changes, forward, answer, gradient };
})();
