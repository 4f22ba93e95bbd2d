"use strict";

// The page of an episode: which step is shown is `step`; every change ends in `refresh`, which draws everything anew, and
// once it is finished in `settle`, which writes it to the address.
(() => {
  const { $, study, fill, filled, make, plainNumber, signed } = page;
  const refresh = page.oncePainted(draw);
  const { sheet, numbers, pose } = study;
  const [height, width] = study.size; // of what the network sees, in pixels
  const STEP_MS = 50; // how long a step is shown, as fast as the game
  const STRAIGHT = 0.005; // steering that is shown as none
  const DIGITS = 3;
  const bench = { policy: null, now: null, settle };
  const pictures = new Image();
  const last = study.steps - 1;
  let [step, began] = [0, null]; // began: {time, step} when the film began to play, or null

  // ---- the address

  function settle() {
    const names = silencing.list.map(experiments.unitName).join(",");
    const text = `#step/${step}${names ? `?silence=${encodeURIComponent(names)}` : ""}`;
    if (location.hash !== text) history.replaceState(null, "", text);
    refresh();
  }

  function follow() {
    const [, wanted, names] = location.hash.match(/^#step\/(\d+)(?:\?silence=(.*))?$/) || [];
    if (wanted === undefined) return;
    pause();
    step = Math.min(last, Number(wanted));
    silencing.set(names ? decodeURIComponent(names).split(",") : []);
    refresh();
  }

  // ---- time

  function go(wanted) {
    step = Math.min(last, Math.max(0, wanted));
    settle();
  }

  function pause() {
    began = null;
    $("play").textContent = $("play").dataset.play;
  }

  function play() {
    if (began) {
      pause();
      settle();
      return;
    }
    began = { time: performance.now(), step: step === last ? 0 : step };
    $("play").textContent = $("play").dataset.pause;
    requestAnimationFrame(tick);
  }

  function tick() {
    if (!began) return;
    step = Math.min(last, began.step + Math.floor((performance.now() - began.time) / STEP_MS));
    if (step === last) {
      pause();
      settle();
      return;
    }
    draw();
    requestAnimationFrame(tick);
  }

  // ---- drawing


  function draw() {
    drawPicture();
    drawPlace();
    drawNumbers();
    if (bench.policy) drawAnswers();
  }

  function drawPicture() {
    if (!pictures.naturalWidth) return;
    const at = Math.min(sheet.count - 1, Math.floor(step / sheet.every));
    const [left, top] = [(at % sheet.columns) * sheet.width, Math.floor(at / sheet.columns) * sheet.height];
    $("film").getContext("2d")
      .drawImage(pictures, left, top, sheet.width, sheet.height, 0, 0, sheet.width, sheet.height);
  }

  /** Where the agent is, and where it looks. */
  function drawPlace() {
    const [x, z, yaw] = pose[step];
    const agent = document.querySelector(".agent");
    const size = agent.getAttribute("transform").match(/scale\([^)]*\)/)[0];
    agent.setAttribute("transform", `translate(${x} ${-z}) rotate(${-yaw}) ${size}`);
  }

  const said = (number, digits = DIGITS) => (number === null ? "–" : plainNumber(number, digits));

  function drawNumbers() {
    $("step").value = step;
    $("curves").style.setProperty("--at", step / last);
    for (const [name, list] of Object.entries(numbers)) {
      if ($(`number-${name}`)) $(`number-${name}`).textContent = said(list[step]);
    }
    const turn = numbers.turn[step];
    const kind = Math.abs(turn) < STRAIGHT ? "straight" : turn > 0 ? "left" : "right";
    const turned = filled($("now").dataset[kind], { number: plainNumber(Math.abs(turn), 2) });
    const action = bench.policy ? bench.policy.actions[study.took[step]] : "-";
    const [seconds, earned] = [plainNumber(step * study.seconds, 2), said(numbers.earned[step], 2)];
    fill($("now"), { step, seconds, turned, earned, action: action === "-" ? $("now").dataset.nothing : action });
    $("step").setAttribute("aria-valuetext", $("now").textContent);
    for (const link of document.querySelectorAll(".moments a")) {
      if (Number(link.dataset.step) === step) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  function drawAnswers() {
    const { policy } = bench;
    const stack = data.seen(step, policy.stack);
    const newest = stack.subarray(stack.length - width * height);
    const image = new ImageData(width, height);
    newest.forEach((level, i) => image.data.set([level, level, level, 255], 4 * i));
    $("view").getContext("2d").putImageData(image, 0, 0);
    const changes = network.changes(silencing.list, null);
    const plain = network.forward(policy, stack);
    bench.now = silencing.list.length ? network.forward(policy, stack, changes) : plain;
    study.questions.forEach((name, i) => {
      const [whole, now] = [plain, bench.now].map((run) => network.answer(policy, run, name));
      const cells = $("answers").rows[i].cells;
      [whole, now, now - whole].forEach((x, k) => (cells[k + 1].textContent = signed(x)));
    });
    silencing.draw();
    // A map takes longer than a picture of the film is shown.
    const [question, method] = [$("question").value, began ? "" : $("method").value];
    maps.draw(stack, method, { policy, question, changed: changes }, study.verdicts[method]);
  }

  // ---- controls

  function fit() {
    const option = (name) => make("option", { value: name }, name);
    $("question").append(...study.questions.map(option));
    $("method").append(...Object.keys(attribution.METHODS).map(option));
    $("method").value = "gradient";
    $("answers").append(...study.questions.map((name) =>
      make("tr", {}, make("th", { scope: "row" }, name), ...[0, 1, 2].map(() => make("td", { className: "number" })))));
    $("controls").disabled = false;
  }

  function listen() {
    $("play").addEventListener("click", play);
    for (const [id, by] of [["back", -1], ["on", 1]]) $(id).addEventListener("click", () => (pause(), go(step + by)));
    $("step").addEventListener("input", () => {
      pause();
      step = Number($("step").value);
      refresh();
    });
    $("step").addEventListener("change", settle);
    // A click into a curve goes to its step, and so does what is dragged from there.
    const point = (event) => {
      const plot = document.querySelector(".plot").getBoundingClientRect();
      pause();
      go(Math.round((last * (event.clientX - plot.left)) / plot.width));
    };
    for (const plot of document.querySelectorAll(".plot")) {
      plot.addEventListener("pointerdown", (event) => {
        plot.setPointerCapture(event.pointerId);
        point(event);
      });
      plot.addEventListener("pointermove", (event) => event.buttons & 1 && point(event));
    }
    // The arrow keys go step by step wherever they have no other meaning.
    document.addEventListener("keydown", (event) => {
      const wanted = { ArrowLeft: step - 1, ArrowRight: step + 1, Home: 0, End: last }[event.key];
      const own = event.target.closest("input, select, canvas, textarea");
      if (wanted === undefined || own || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      event.preventDefault();
      pause();
      go(wanted);
    });
    for (const id of ["question", "method"]) $(id).addEventListener("input", refresh);
    silencing.listen(bench);
    window.addEventListener("hashchange", follow);
    window.addEventListener("resize", () => bench.now && silencing.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
    pictures.onload = refresh;
    pictures.src = sheet.file;
  }

  listen();
  follow();
  refresh();
  Promise.all([data.policy(), data.episode()])
    .then(([policy]) => {
      bench.policy = policy;
      fit();
      refresh();
    })
    .catch((error) => fill($("notice"), { name: error.message }));

  // For tests and for the console: a promise of what the heads give at a step, with units silenced by name.
  window.episodeLive = {
    async run(wanted, names = []) {
      const [policy] = await Promise.all([data.policy(), data.episode()]);
      const silent = names.map((name) => ({ ...experiments.unit(name, study), factor: 0 }));
      const run = network.forward(policy, data.seen(wanted, policy.stack), network.changes(silent, null));
      return { logits: [...run.logits], value: run.value };
    },
  };
})();
