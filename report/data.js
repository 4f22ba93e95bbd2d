"use strict";

// What lies in the folder beside the page: scripts, each of which gives one value to a global.
window.studyFrames = {};

const data = (() => {
  const loading = {};
  let decoded = null;
  let levels = null; // of all frames of the episode

  /** Runs a script of the folder, once. */
  function load(file) {
    loading[file] = loading[file] || new Promise((done, failed) => {
      const script = page.make("script", { src: `explore/${file}`, onload: done });
      script.onerror = () => {
        delete loading[file];
        failed(new Error(file));
      };
      document.head.append(script);
    });
    return loading[file];
  }

  /** A frame as people see it, and as the network sees it and its mirror image, [P, H, W]. */
  async function frame(index) {
    await load(`frames/${index}.js`);
    const { picture, width, height, original, mirrored } = window.studyFrames[index];
    const [planes, other] = [original, mirrored].map((text) => Float32Array.from(network.numbers(text, Uint8Array)));
    return { picture, aspect: width / height, planes, other };
  }

  async function policy() {
    await load("policy.js");
    decoded = decoded || network.decode(window.studyPolicy);
    return decoded;
  }

  /** Makes the frames of the episode ready for `seen`. */
  async function episode() {
    await load("episode.js");
    const packed = new Blob([network.numbers(window.studyEpisode.frames, Uint8Array)]).stream();
    const whole = new Response(packed.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
    levels = levels || new Uint8Array(await whole);
  }

  /** The stack [T, H, W] at a step of the episode, the newest frame last; before the first frame there is the first. */
  function seen(step, [length, height, width]) {
    const [size, stack] = [height * width, new Float32Array(length * height * width)];
    for (let i = 0; i < length; i++) {
      const at = Math.max(0, step - length + 1 + i);
      stack.set(levels.subarray(at * size, (at + 1) * size), i * size);
    }
    return stack;
  }

  return { frame, policy, episode, seen };
})();
