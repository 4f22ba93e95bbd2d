"use strict";

// The page: what the reader asks for is `state`; every change of it ends in `refresh`, which draws everything anew, and
// once it is finished in `settle`, which writes it to the address and to the list that is undone.
(() => {
  const { $, study, fill, filled, make, signed } = page;
  const refresh = page.oncePainted(draw);
  const [height, width] = study.size; // of what the network sees, in pixels
  const BOXES = ["mirror", "invert"]; // controls named as their edits
  const SLIDERS = { gamma: "gamma", blur: "blur", "shift-x": "shiftX", "shift-y": "shiftY" };
  study.methods = Object.keys(attribution.METHODS);
  study.method = study.methods[study.methods.length - 1]; // occlusion: what the answer loses, in its own units

  const state = {
    index: 0,
    frame: null, // {name, picture, aspect, planes, other, plain}: what is edited; plain is the run on it unedited
    own: false,
    ...experiments.fresh(study), // what the address holds, but for the frame's name
    asked: () => ({ ...state, frame: study.frames[state.index] }),
  };
  const bench = { state, policy: null, now: null, other: null, plain: null, refresh, settle };
  const past = []; // the texts of experiments, the present one last; `undo` goes back
  const lent = new Map(); // frames that units are patched from: the layers of the run on each, and on its mirror image
  let updateTools = null;

  // ---- the address, and what is undone

  /** An experiment without what is only looked at: undoing goes from one of these to another. */
  const done = (experiment) =>
    experiments.write({ ...experiment, selected: experiments.fresh(study).selected, pinned: [] }, study);

  /** Keeps the state in the address, and as a step that can be undone. */
  function settle() {
    const text = experiments.write(state.asked(), study);
    const last = past[past.length - 1];
    if (last !== undefined && done(experiments.read(last, study)) === done(state.asked())) past.pop();
    past.push(text);
    if (location.hash !== `#${text}`) history.replaceState(null, "", `#${text}`);
    drawLinks();
    refresh();
  }

  /** Makes the state that of a text. Of a frame that the study lacks, it says so and shows the first. */
  async function restore(text, keepOwn) {
    const { frame: wanted, ...experiment } = experiments.read(text, study);
    const index = wanted === null ? 0 : study.frames.indexOf(wanted);
    Object.assign(state, experiment);
    tell(index < 0 ? "unknown" : null, { unknown: wanted, name: study.frames[0] });
    if (keepOwn && state.own && index === state.index) return refresh();
    state.index = Math.max(0, index);
    drawStrip();
    const name = study.frames[state.index];
    $("name").textContent = name;
    try {
      const loaded = { name, ...(await data.frame(state.index)) };
      if (study.frames[state.index] !== name) return undefined;
      Object.assign(state, { frame: loaded, own: false });
    } catch {
      tell("missing", { name });
    }
    return refresh();
  }

  async function follow() {
    await restore(location.hash.slice(1));
    const text = experiments.write(state.asked(), study);
    if (past[past.length - 1] !== text) past.push(text);
    drawLinks();
  }

  async function undo() {
    if (past.length < 2) return;
    past.pop();
    const text = past[past.length - 1];
    await restore(text, true);
    history.replaceState(null, "", `#${text}`);
    drawLinks();
  }

  /** Takes some of the edits and changes of units back. */
  function without(rest) {
    Object.assign(state, rest);
    settle();
  }

  // ---- frames

  function drawStrip() {
    const strip = document.querySelector(".strip");
    [...strip.querySelectorAll("a")].forEach((link, i) => {
      if (i === state.index) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    const tile = strip.children[state.index];
    strip.scrollLeft = tile.offsetLeft - (strip.clientWidth - tile.clientWidth) / 2;
    for (const [id, step] of [["before", -1], ["after", 1]]) $(id).hidden = !(state.index + step in study.frames);
  }

  /** Links to frames take the experiment along. */
  function drawLinks() {
    const link = (frame) => `#${experiments.write({ ...state, frame }, study)}`;
    document.querySelectorAll(".strip a").forEach((tile, i) => (tile.href = link(study.frames[i])));
    for (const [id, step] of [["before", -1], ["after", 1]]) {
      if (!$(id).hidden) $(id).href = link(study.frames[state.index + step]);
    }
  }

  /** One of the template's messages, or none. */
  function tell(kind, values) {
    const notice = $("notice");
    notice.dataset.text = kind === null ? "" : notice.dataset[kind];
    fill(notice, values);
  }

  async function takeOwn(file) {
    if (!file) return;
    try {
      const bitmap = await createImageBitmap(file);
      if (bitmap.width < width || bitmap.height < height) {
        tell("small", { width: bitmap.width, height: bitmap.height });
        return;
      }
      const { aspect } = state.frame;
      const box = edits.crop(bitmap.width, bitmap.height, aspect);
      const canvas = make("canvas", { width: box.width, height: box.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(bitmap, -box.left, -box.top);
      const pixels = context.getImageData(0, 0, box.width, box.height).data;
      const seen = edits[study.colour ? "colours" : "grey"](pixels, box.width, box.height, study.size, study.order);
      const planes = network.repeated(seen, bench.policy.mean.length);
      const other = edits.mirror(planes, width);
      state.frame = { name: file.name, picture: canvas.toDataURL("image/webp"), aspect, planes, other };
      state.own = true;
      tell(null);
      refresh();
    } catch {
      tell("unreadable", { file: file.name });
    }
  }

  // ---- drawing


  function draw() {
    const lacking = sourcesOf(state.units).filter((source) => source !== "" && !lent.has(source));
    if (bench.policy && lacking.length) return borrow(lacking);
    drawControls();
    if (!state.frame) return;
    const { frame } = state;
    const { policy } = bench;
    $("picture").src = frame.picture;
    $("picture").alt = filled($("picture").dataset.alt, frame);
    $("picture").classList.toggle("mirrored", state.edits.mirror);
    const shown = edits.apply(frame.planes, frame.other, state.edits);
    const other = edits.apply(frame.planes, frame.other, edits.mirrored(state.edits));
    drawFrame($("view"), shown);
    drawFrame($("mirror-view"), other);
    if (!policy) return;
    frame.plain = frame.plain || network.forward(policy, network.still(policy, frame.planes));
    const start = performance.now();
    const changes = run(shown, other);
    fill($("timing"), { time: (performance.now() - start).toFixed(0) });
    numbers.draw(policy, bench.now, bench.other, bench.plain);
    units.draw();
    const { method, question } = state;
    maps.draw(shown, method, { policy, question, changed: changes }, study.verdicts[method]);
  }

  /** Runs the policy on what is shown and on its mirror image; the changes of the first. */
  function run(shown, other) {
    const { policy } = bench;
    const stacks = [shown, other].map((planes) => network.still(policy, planes));
    const changes = stacks.map((_, side) => {
      const layers = (source) =>
        source === "" ? network.forward(policy, stacks[1 - side]).layers : lent.get(source)[side];
      return network.changes(state.units, new Map(sourcesOf(state.units).map((source) => [source, layers(source)])));
    });
    [bench.now, bench.other] = stacks.map((stack, side) => network.forward(policy, stack, changes[side]));
    bench.plain = state.frame.plain;
    return changes[0];
  }

  const sourcesOf = (changes) => [...new Set(changes.map(({ source }) => source))].filter((one) => one !== undefined);

  /** Runs the policy on frames that units are patched from, as the study has them, and then draws. */
  async function borrow(names) {
    for (const name of names) {
      try {
        const { planes, other } = await data.frame(study.frames.indexOf(name));
        const layers = (seen) => network.forward(bench.policy, network.still(bench.policy, seen)).layers;
        lent.set(name, [planes, other].map(layers));
      } catch {
        tell("missing", { name });
        without({ units: state.units.filter((unit) => unit.source !== name) });
      }
    }
    refresh();
  }

  /** Shows a frame's colours or its newest plane. */
  function drawFrame(canvas, planes) {
    Object.assign(canvas, { width, height });
    const [image, size] = [new ImageData(width, height), width * height];
    const [red, green, blue] = study.colour ? [0, size, 2 * size] : Array(3).fill(planes.length - size);
    for (let i = 0; i < size; i++) image.data.set([planes[red + i], planes[green + i], planes[blue + i], 255], 4 * i);
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  /** Shows in every control what the state holds. */
  function drawControls() {
    $("own-shown").hidden = !state.own;
    if (!bench.policy) return;
    for (const id of BOXES) $(id).checked = state.edits[id];
    for (const [id, key] of Object.entries(SLIDERS)) {
      $(id).value = state.edits[key];
      $(`${id}-shown`).textContent = signed(state.edits[key], id === "blur" || id === "gamma" ? 1 : 0);
    }
    $("brush-width-shown").textContent = $("brush-width").value;
    $("brush-level-shown").textContent = $("brush-level").value;
    [$("question").value, $("method").value] = [state.question, state.method];
    drawList();
    brush.drawCursor();
  }

  /** The list of what is changed; each entry undoes itself. */
  function drawList() {
    const list = $("changes");
    const found = experiments.listed(state);
    const focused = [...list.children].findIndex((item) => item.contains(document.activeElement));
    list.replaceChildren(...found.map(({ kind, name, amount, source, rest }) => {
      const shown = amount === undefined || kind === "paint" ? amount : String(amount).replace("-", "−");
      const words = filled(list.dataset[kind], { name, amount: shown, source });
      const button = make("button", { type: "button", onclick: () => without(rest) }, words);
      button.setAttribute("aria-label", filled(list.dataset.undo, { what: words }));
      return make("li", {}, button);
    }));
    $("no-changes").hidden = found.length > 0;
    $("reset").disabled = found.length === 0;
    $("undo").disabled = past.length < 2;
    updateTools();
    if (focused >= 0) ((list.children[Math.min(focused, found.length - 1)] || {}).firstChild || $("undo")).focus();
  }

  // ---- controls

  /** What a policy brings with it: rows of numbers and actions, options, limits. */
  function fit() {
    const option = (name) => make("option", { value: name }, name);
    numbers.fit(bench.policy, study.leftward);
    $("source").append(...study.frames.map(option));
    $("question").append(...study.questions.map(option));
    $("method").append(...study.methods.map(option));
    for (const [id, length] of [["shift-x", width], ["shift-y", height]]) {
      Object.assign($(id), { min: -Math.floor(length / 4), max: Math.floor(length / 4) });
    }
    for (const id of ["controls", "channels", "tools"]) $(id).disabled = false;
  }

  function listen() {
    for (const id of BOXES) $(id).addEventListener("input", () => ((state.edits[id] = $(id).checked), settle()));
    for (const [id, key] of Object.entries(SLIDERS)) {
      $(id).addEventListener("input", () => ((state.edits[key] = Number($(id).value)), refresh()));
      $(id).addEventListener("change", settle);
    }
    for (const id of ["brush-width", "brush-level"]) $(id).addEventListener("input", refresh);
    for (const id of ["method", "question"]) {
      $(id).addEventListener("input", () => ((state[id] = $(id).value), settle()));
    }
    $("opacity").addEventListener("input", () => ($("overlay").style.opacity = $("opacity").value / 100));
    $("undo").addEventListener("click", undo);
    $("reset").addEventListener("click", () => {
      without({ edits: edits.none(height, width), units: [] });
      $("undo").focus();
    });
    $("own").addEventListener("change", () => {
      takeOwn($("own").files[0]);
      $("own").value = ""; // so that the same file can be chosen again
    });
    $("leave-own").addEventListener("click", () => restore(experiments.write(state.asked(), study)));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      if (bench.policy && state.frame) takeOwn(event.dataTransfer.files[0]);
    });
    brush.listen(bench);
    units.listen(bench);
    saving.listen(bench);
    updateTools = page.rove($("tools"), "button");
    const updateStrip = page.rove(document.querySelector(".strip"), "a");
    window.addEventListener("hashchange", () => {
      // Links within the page, such as that to the guide, leave the experiment as it is.
      if (/^#frame\/|^$/.test(location.hash)) follow().then(() => updateStrip());
    });
    // A phone resizes its window while it scrolls: what does not depend on the width is not drawn again.
    window.addEventListener("resize", () => bench.now && units.drawTiles());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => bench.now && units.draw());
  }

  listen();
  follow()
    .then(data.policy)
    .then((loaded) => {
      bench.policy = loaded;
      fit();
      refresh();
    })
    .catch(() => tell("missing", { name: "explore/policy.js" }));
})();
