"use strict";

// What lies in the folder beside the page: scripts, each of which gives one value to a global.
window.studyFrames = {};

const data = (() => {
  const loading = {};
  let decoded = null;

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

  return { frame, policy };
})();
