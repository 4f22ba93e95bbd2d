"use strict";

// Which pixels count: a map over the frame, worked out while the page goes on.
const maps = (() => {
  const { $, fill, rgb } = page;
  const SLICE = 12; // milliseconds of work between two breaths of the page
  const FULL_COLOUR = 0.995; // the quantile of a map's sizes that gets the full colour
  let job = 0;

  /** Works a map of a frame out in slices; a newer request ends an older one. verdict: the study's, on the method. */
  async function draw(frame, method, task, verdict) {
    const mine = ++job;
    $("verdict").hidden = verdict === undefined;
    if (verdict !== undefined) fill($("verdict"), { verdict });
    const overlay = $("overlay");
    const [, height, width] = task.policy.stack;
    const clear = () => Object.assign(overlay, { width, height });
    const busy = (share) => {
      overlay.setAttribute("aria-busy", String(share !== null));
      $("progress").hidden = share === null;
      if (share !== null) $("progress").value = share;
    };
    $("legend").hidden = true;
    if (method === "") {
      clear();
      busy(null);
      return;
    }
    busy(0);
    await new Promise((breathe) => setTimeout(breathe)); // the numbers come first
    if (mine !== job) return;
    const steps = attribution.METHODS[method](task, frame);
    let step;
    for (;;) {
      const start = performance.now();
      do step = steps.next();
      while (!step.done && performance.now() - start < SLICE);
      if (step.done) break;
      clear(); // no map at all rather than one of another frame
      busy(step.value);
      await new Promise((breathe) => setTimeout(breathe));
      if (mine !== job) return;
    }
    const sizes = Float64Array.from(step.value, Math.abs).sort();
    const most = sizes[Math.floor(FULL_COLOUR * (sizes.length - 1))] || sizes[sizes.length - 1] || 1;
    clear();
    const image = new ImageData(overlay.width, overlay.height);
    const [minus, plus] = ["map-minus", "map-plus"].map(rgb);
    step.value.forEach((share, i) => {
      image.data.set([...(share < 0 ? minus : plus), 255 * Math.min(1, Math.abs(share) / most)], 4 * i);
    });
    overlay.getContext("2d").putImageData(image, 0, 0);
    fill($("legend"), { question: task.question, most: most.toExponential(1).replace("-", "−") });
    $("legend").hidden = false;
    busy(null);
  }

  return { draw };
})();
