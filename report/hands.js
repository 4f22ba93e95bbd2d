"use strict";

// A piece that the reader moves over a frame, and which way the policy turns then. Until the network is there its answers
// are those that the build stored for each place; it is loaded when the reader first takes hold.
(() => {
  const { $, study } = page;

  function piece({ levels, share, turning, ...rest }) {
    return { ...rest, turning, levels: network.numbers(levels), share: network.numbers(share) };
  }

  /** The frame with a piece whose first column is `column`, [P, H, W]. */
  function painted(planes, [height, width], { levels, share, top, rows, columns }, column) {
    const found = Float32Array.from(planes);
    const [size, area] = [height * width, rows * columns];
    for (let plane = 0; plane * size < planes.length; plane++) {
      for (let i = 0; i < area; i++) {
        const at = plane * size + (top + Math.floor(i / columns)) * width + column + (i % columns);
        found[at] += share[i] * (levels[plane * area + i] - found[at]);
      }
    }
    return found;
  }

  function start() {
    const planes = Float32Array.from(network.numbers(study.trial.planes, Uint8Array));
    const pieces = Object.fromEntries(Object.entries(study.trial.pieces).map(([name, stored]) => [name, piece(stored)]));
    const [range, floor, bar, cut] = ["column", "floor", "bar", "cut-out"].map($);
    const chosen = () => pieces[document.querySelector("[name=piece]:checked").value];
    let policy = null;

    function turn(own, column) {
      if (!policy) return own.turning[0][column];
      const run = network.forward(policy, network.still(policy, painted(planes, study.size, own, column)));
      return study.side * network.answer(policy, run, study.steering);
    }

    function place(element, own, column) {
      const [height, width] = study.size;
      const share = (part, whole) => `${(100 * part) / whole}%`;
      element.style.left = share(column, width);
      element.style.top = share(own.top, height);
      element.style.width = share(own.columns, width);
      element.style.height = share(own.rows, height);
    }

    function draw() {
      const [own, column] = [chosen(), Number(range.value)];
      const begun = performance.now();
      dial.point($("answer"), turn(own, column));
      const time = performance.now() - begun;
      dial.point($("control"), own.turning[1][column]);
      $("timing").textContent = policy ? page.filled($("timing").dataset.live, { time: time.toFixed(0) }) : $("timing").dataset.stored;
      bar.hidden = own.cut;
      if (cut) cut.hidden = !own.cut;
      place(own.cut ? cut : bar, own, column);
    }

    function choose() {
      const own = chosen();
      range.max = own.turning[0].length - 1;
      if (!own.cut) {
        Object.assign(bar, { width: own.columns, height: own.rows });
        const image = new ImageData(own.columns, own.rows);
        const area = own.rows * own.columns;
        for (let i = 0; i < area; i++) {
          const plane = (colour) => own.levels[(colour * area + i) % own.levels.length];
          image.data.set([plane(0), plane(1), plane(2), 255], 4 * i);
        }
        bar.getContext("2d").putImageData(image, 0, 0);
      }
      draw();
    }

    let asked = false;
    function take() {
      if (asked) return;
      asked = true;
      // Without the script of the network the stored answers stay.
      data.policy().then((loaded) => {
        policy = loaded;
        draw();
      }, () => {});
    }

    const drag = (event) => {
      const box = floor.getBoundingClientRect();
      range.value = Math.round(((event.clientX - box.left) / box.width) * study.size[1] - chosen().columns / 2);
      draw();
    };
    floor.addEventListener("pointerdown", (event) => {
      take();
      floor.setPointerCapture(event.pointerId);
      drag(event);
    });
    floor.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) drag(event);
    });
    range.addEventListener("focus", take);
    range.addEventListener("input", draw);
    for (const radio of document.querySelectorAll("[name=piece]")) radio.addEventListener("input", () => (take(), choose()));
    range.max = chosen().turning[0].length - 1;
    range.value = Math.round(range.max / 4);
    $("bench").hidden = false;
    choose();
  }

  if (study.trial) start();
})();
