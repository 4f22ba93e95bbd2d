"use strict";

// The policy on the study's frames, for tests and for the console: window.policyLive has
//   frames                                    the study's names of its frames, in order
//   run(index, {mirrored, units})             a promise of what the heads give on a frame as the study has it
//   milliseconds(passes)                      a promise of the mean time of one run
window.policyLive = {
  frames: page.study.frames,
  async run(index, { mirrored = false, units = [] } = {}) {
    const [policy, { planes, other }] = [await data.policy(), await data.frame(index)];
    const [stack, opposite] = (mirrored ? [other, planes] : [planes, other]).map((seen) => network.still(policy, seen));
    const source = units.some((unit) => unit.patched) ? network.forward(policy, opposite).layers : null;
    const { layers, ...found } = network.forward(policy, stack, network.changes(units, source));
    return Object.fromEntries(Object.entries(found).map(([name, x]) => [name, ArrayBuffer.isView(x) ? [...x] : x]));
  },
  async milliseconds(passes) {
    const policy = await data.policy();
    const stack = network.still(policy, (await data.frame(0)).planes);
    const start = performance.now();
    for (let pass = 0; pass < passes; pass++) network.forward(policy, stack);
    return (performance.now() - start) / passes;
  },
};
