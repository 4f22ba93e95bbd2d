"use strict";

// The brush on the network's view: by pointer, and by arrow keys and the space bar.
const brush = (() => {
  const { $, study } = page;
  const [height, width] = study.size;
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let cursor = [Math.floor(width / 2), Math.floor(height / 2)]; // in pixels of the network's view

  /** Shows where the brush would paint. */
  function drawCursor() {
    const size = Number($("brush-width").value);
    const share = (pixels, axis) => `${(100 * pixels) / [width, height][axis]}%`;
    const { style } = $("cursor");
    [style.left, style.top] = cursor.map((place, axis) => share(Math.round(place - (size - 1) / 2), axis));
    [style.width, style.height] = [size, size].map(share);
  }

  /** Puts the brush on the pixel of a place, the nearest inside the frame. */
  function move(...place) {
    cursor = [width, height].map((length, axis) => Math.min(length - 1, Math.max(0, Math.floor(place[axis]))));
  }

  function listen(bench) {
    const view = $("view");
    const paint = () => {
      const [size, level] = ["brush-width", "brush-level"].map((id) => Number($(id).value));
      bench.state.edits.paint = edits.stroke(bench.state.edits, ...cursor, size, level);
      bench.refresh();
    };
    const point = (event) => {
      const box = view.getBoundingClientRect();
      move((event.clientX - box.left) / box.width * width, (event.clientY - box.top) / box.height * height);
    };
    view.addEventListener("pointerdown", (event) => {
      if (!bench.policy) return;
      view.setPointerCapture(event.pointerId);
      point(event);
      paint();
    });
    view.addEventListener("pointermove", (event) => {
      if (!bench.policy) return;
      point(event);
      if (event.buttons & 1) paint();
      else drawCursor();
    });
    view.addEventListener("pointerup", () => bench.policy && bench.settle());
    view.addEventListener("keydown", (event) => {
      if (!bench.policy) return;
      const step = STEPS[event.key];
      const painting = event.key === " " || event.key === "Enter";
      if (!step && !painting) return;
      event.preventDefault();
      if (painting) {
        paint();
        bench.settle();
      } else {
        move(cursor[0] + step[0], cursor[1] + step[1]);
        drawCursor();
      }
    });
  }

  return { listen, drawCursor };
})();
