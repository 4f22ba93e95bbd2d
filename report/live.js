"use strict";

// The policy on the study's frames, for tests and for the console: window.policyLive has
//   frames                                    the study's names of its frames, in order
//   run(index, {mirrored, units})             a promise of what the heads give on a frame as the study has it, with
//                                             changes of units as an experiment has them
//   milliseconds(passes)                      a promise of the mean time of one run
window.policyLive = {
  frames: page.study.frames,
  async run(index, { mirrored = false, units = [] } = {}) {
    const policy = await data.policy();
    const seen = async (at, other) => network.still(policy, (await data.frame(at))[other ? "other" : "planes"]);
    const sources = new Map();
    for (const { source } of units.filter((unit) => unit.source !== undefined)) {
      const stack = await (source === "" ? seen(index, !mirrored) : seen(this.frames.indexOf(source), mirrored));
      sources.set(source, network.forward(policy, stack).layers);
    }
    const stack = await seen(index, mirrored);
    const { layers, ...found } = network.forward(policy, stack, network.changes(units, sources));
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
