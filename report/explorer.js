"use strict";

// The page: what the reader asks for is `state`; every change of it ends in `refresh`, which draws everything anew. The
// words are the template's: an element's data-text is filled with what stands between braces.
//
// For tests and for the console, window.policyLive has
//   frames                                    the study's names of its frames, in order
//   run(index, {mirrored, silenced})          a promise of {logits, value} on a frame as the study has it
//   milliseconds(passes)                      a promise of the mean time of one run
window.studyFrames = {};

(() => {
  const $ = (id) => document.getElementById(id);
  const study = JSON.parse($("study").textContent);
  const SLICE = 12; // milliseconds of work between two breaths of the page
  const QUIET = 1000; // milliseconds without a change, after which the numbers are spoken
  const LEAST_TILE = { conv0: 40, conv1: 30, conv2: 30, hidden: 8 }; // CSS pixels across a channel, at least
  const MOST_TILE = 72;
  const GAP = 3;
  const FULL_COLOUR = 0.995; // the quantile of a map's sizes that gets the full colour
  const ACTION_ENDS = [0.25, 0.5, 1]; // where the bars of actions may end, so that small ones are seen
  const BOXES = ["mirror", "invert"]; // controls named as their edits
  const SLIDERS = { gamma: "gamma", blur: "blur", "shift-x": "shiftX", "shift-y": "shiftY" };

  const state = {
    index: 0,
    frame: null, // {name, picture, aspect, grey, other, plain}: what is edited; plain is the run on it unedited
    own: false,
    edits: null,
    silenced: Object.fromEntries(network.LAYERS.map((name) => [name, new Set()])),
    selected: { layer: "conv0", channel: 0 },
    cursor: [0, 0], // the brush, in pixels of the network's view
    layers: null, // activations, as drawn last
  };
  let policy = null;
  let questions = [];
  let speech = 0; // the timer after which the numbers are spoken

  // ---- numbers and words

  const plainNumber = (x, digits) => x.toFixed(digits).replace("-", "−");
  const signed = (x, digits = 3) => {
    const [text, rounded] = [plainNumber(x, digits), Number(x.toFixed(digits))];
    if (rounded === 0) return text.replace("−", "");
    return rounded > 0 ? `+${text}` : text;
  };
  const percent = (p) => `${(100 * p).toFixed(1)} %`;
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const fill = (element, values) => (element.textContent = filled(element.dataset.text, values));
  /** A colour of the style sheet as the reader's scheme has it. */
  function colour(name) {
    $("probe").style.color = `var(--${name})`;
    return getComputedStyle($("probe")).color;
  }

  const rgb = (name) => colour(name).match(/\d+/g).map(Number);

  function make(kind, properties = {}, ...children) {
    const element = Object.assign(document.createElement(kind), properties);
    element.append(...children);
    return element;
  }

  // ---- data

  const loading = {};

  /** Runs a script of the folder beside the page, once. */
  function load(file) {
    loading[file] = loading[file] || new Promise((done, failed) => {
      const script = make("script", { src: `explore/${file}`, onload: done });
      script.onerror = () => {
        delete loading[file];
        failed(new Error(file));
      };
      document.head.append(script);
    });
    return loading[file];
  }

  async function loadFrame(index) {
    await load(`frames/${index}.js`);
    const { picture, width, height, original, mirrored } = window.studyFrames[index];
    const [grey, other] = [original, mirrored].map((text) => Float32Array.from(network.numbers(text, Uint8Array)));
    return { name: study.frames[index], picture, aspect: width / height, grey, other };
  }

  async function loadPolicy() {
    await load("policy.js");
    policy = policy || network.decode(window.studyPolicy);
    return policy;
  }

  // ---- choosing a frame

  /** The frame that the address asks for: none, one, or one that is not there. */
  function asked() {
    const [, text] = location.hash.match(/^#frame\/(.*)$/) || [];
    if (text === undefined) return { index: 0 };
    let name = text;
    try {
      name = decodeURIComponent(text);
    } catch {
      // A broken escape is a name like any other, and not there.
    }
    const index = study.frames.indexOf(name);
    return index < 0 ? { index: 0, unknown: name } : { index };
  }

  async function choose() {
    const { index, unknown } = asked();
    state.index = index;
    const name = study.frames[index];
    document.querySelectorAll(".strip a").forEach((link, i) => {
      if (i === index) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    const strip = document.querySelector(".strip");
    const tile = strip.children[index];
    strip.scrollLeft = tile.offsetLeft - (strip.clientWidth - tile.clientWidth) / 2;
    for (const [id, step] of [["before", -1], ["after", 1]]) {
      const near = study.frames[index + step];
      $(id).hidden = near === undefined;
      if (near !== undefined) $(id).href = `#frame/${encodeURIComponent(near)}`;
    }
    $("name").textContent = name;
    tell(unknown === undefined ? null : "unknown", { unknown, name });
    try {
      const frame = await loadFrame(index);
      if (state.index !== index) return;
      Object.assign(state, { frame, own: false });
    } catch {
      tell("missing", { name });
    }
    refresh();
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
      const { size } = policy.geometry;
      if (Math.min(bitmap.width, bitmap.height) < size) {
        tell("small", { width: bitmap.width, height: bitmap.height, size });
        return;
      }
      const { aspect } = state.frame;
      const box = edits.crop(bitmap.width, bitmap.height, aspect);
      const canvas = make("canvas", { width: box.width, height: box.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(bitmap, -box.left, -box.top);
      const { data } = context.getImageData(0, 0, box.width, box.height);
      const grey = edits.grey(data, box.width, box.height, size, study.order);
      state.frame = { name: file.name, picture: canvas.toDataURL("image/webp"), aspect, grey, other: edits.mirror(grey) };
      state.own = true;
      tell(null);
      refresh();
    } catch {
      tell("unreadable", { file: file.name });
    }
  }

  // ---- drawing

  let waiting = false;

  /** Draws everything anew before the next paint, once however often it is asked for. */
  function refresh() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  }

  function draw() {
    drawControls();
    if (!state.frame) return;
    $("picture").src = state.frame.picture;
    $("picture").alt = filled($("picture").dataset.alt, state.frame);
    if (!policy) {
      drawGrey($("view"), state.frame.grey);
      drawGrey($("mirror-view"), state.frame.other);
      return;
    }
    const { frame } = state;
    $("picture").classList.toggle("mirrored", state.edits.mirror);
    const shown = edits.apply(frame.grey, frame.other, state.edits);
    const other = edits.apply(frame.grey, frame.other, edits.mirrored(state.edits));
    drawGrey($("view"), shown);
    drawGrey($("mirror-view"), other);
    const run = (grey, silenced) => network.forward(policy, network.still(policy, grey), silenced);
    frame.plain = frame.plain || run(frame.grey, {});
    const start = performance.now();
    const now = run(shown, state.silenced);
    fill($("timing"), { time: (performance.now() - start).toFixed(1) });
    drawQuantities(now, run(other, state.silenced), frame.plain);
    drawActions(now, frame.plain);
    state.layers = now.layers;
    drawLayers();
    drawReadout(state.selected.layer, state.selected.channel);
    drawMap(shown);
  }

  function drawGrey(canvas, grey) {
    const size = Math.sqrt(grey.length);
    Object.assign(canvas, { width: size, height: size });
    const image = new ImageData(size, size);
    grey.forEach((level, i) => image.data.set([level, level, level, 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  /** Puts a bar from zero to a value on a track from `low` on its left to `high`; `tick` marks the unedited frame. */
  function drawBar(track, low, high, value, tick) {
    const place = (x) => 100 * Math.min(1, Math.max(0, (x - low) / (high - low)));
    const [zero, end] = [place(0), place(value)];
    const [bar, mark] = track.children;
    bar.style.left = `${Math.min(zero, end)}%`;
    bar.style.width = `${Math.abs(end - zero)}%`;
    bar.className = value < 0 ? "bar minus" : "bar plus";
    if (mark) mark.style.left = `${place(tick)}%`;
  }

  function drawQuantities(now, other, plain) {
    for (const question of questions) {
      const { rows, low, high } = question;
      const [here, there, before] = [now, other, plain].map((run) => network.answer(policy, run, question.name));
      drawBar(rows.now.track, low, high, here, before);
      rows.now.number.textContent = signed(here);
      rows.now.change.textContent = signed(here - before);
      rows.now.change.classList.toggle("same", signed(here - before) === "0.000");
      drawBar(rows.mirror.track, low, high, there);
      rows.mirror.number.textContent = signed(there);
    }
    clearTimeout(speech);
    speech = setTimeout(() => {
      const said = questions.map(({ name, rows }) => `${name} ${rows.now.number.textContent}`);
      fill($("said"), { numbers: said.join(", ") });
    }, QUIET);
  }

  function drawActions(now, plain) {
    const [here, before] = [now, plain].map((run) => network.probabilities(run.logits));
    const end = ACTION_ENDS.find((share) => share >= Math.max(...here, ...before)) || 1;
    fill($("actions-end"), { end: Math.round(100 * end) });
    [...$("actions").children].forEach((row, action) => {
      drawBar(row.querySelector(".track"), 0, end, here[action], before[action]);
      row.querySelector(".number").textContent = percent(here[action]);
    });
  }

  /** 256 colours from the strongest minus over zero to the strongest plus, as the bytes of a canvas. */
  function palette() {
    const [minus, zero, plus] = ["minus", "zero", "plus"].map(rgb);
    return Uint32Array.from({ length: 256 }, (_, i) => {
      const [end, share] = [i < 128 ? minus : plus, Math.abs(i - 127.5) / 127.5];
      const [red, green, blue] = zero.map((level, k) => Math.round(level + share * (end[k] - level)));
      return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    });
  }

  /** How a layer's channels are laid out: pixels of a cell, of a tile with its gap, and tiles in a line. */
  function layout(layer) {
    const { side, channels } = policy.layers[layer];
    const width = $(layer).parentElement.clientWidth;
    const rows = Math.ceil(channels / Math.max(1, Math.floor(width / LEAST_TILE[layer])));
    const columns = Math.ceil(channels / rows);
    const most = Math.min(MOST_TILE, Math.floor(width / columns)) - GAP;
    const cell = Math.max(1, Math.floor(most / side));
    return { side, channels, rows, columns, cell, tile: cell * side + GAP };
  }

  const drawLayers = () => state.layers && network.LAYERS.forEach(drawLayer);

  function drawLayer(layer) {
    const { side, channels, rows, columns, cell, tile } = layout(layer);
    const canvas = $(layer);
    Object.assign(canvas, { width: columns * tile, height: rows * tile });
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const colours = palette();
    const range = policy.ranges[layer];
    state.layers[layer].forEach((value, i) => {
      const [channel, place] = [i % channels, Math.floor(i / channels)];
      const ink = colours[Math.round(127.5 * (1 + Math.min(1, Math.max(-1, value / range))))];
      const left = (channel % columns) * tile + (place % side) * cell + 1;
      const top = Math.floor(channel / columns) * tile + Math.floor(place / side) * cell + 1;
      for (let y = top; y < top + cell; y++) pixels.fill(ink, y * canvas.width + left, y * canvas.width + left + cell);
    });
    context.putImageData(image, 0, 0);
    const corner = (channel) => [(channel % columns) * tile, Math.floor(channel / columns) * tile];
    context.strokeStyle = colour("alarm");
    context.lineWidth = 2;
    context.beginPath();
    for (const channel of state.silenced[layer]) {
      const [left, top] = corner(channel);
      context.moveTo(left + 2, top + 2);
      context.lineTo(left + tile - 3, top + tile - 3);
      context.moveTo(left + tile - 3, top + 2);
      context.lineTo(left + 2, top + tile - 3);
    }
    context.stroke();
    if (state.selected.layer === layer) {
      const [left, top] = corner(state.selected.channel);
      context.strokeStyle = colour("ink");
      context.strokeRect(left + 0.5, top + 0.5, tile - 2, tile - 2);
    }
  }

  function drawReadout(layer, channel) {
    const { channels } = policy.layers[layer];
    const values = state.layers[layer].filter((_, i) => i % channels === channel);
    const [low, high] = [Math.min(...values), Math.max(...values)].map((x) => plainNumber(x, 3));
    fill($("readout"), { name: `${layer}/${channel}`, low, high });
  }

  let job = 0;

  /** Works a map out in slices; a newer request ends an older one. */
  async function drawMap(grey) {
    const mine = ++job;
    const [method, question] = [$("method").value, $("question").value];
    const verdict = study.verdicts[method];
    $("verdict").hidden = verdict === undefined;
    if (verdict !== undefined) fill($("verdict"), { verdict });
    const overlay = $("overlay");
    const clear = () => Object.assign(overlay, { width: policy.geometry.size, height: policy.geometry.size });
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
    const steps = attribution.METHODS[method]({ policy, question, silenced: state.silenced }, grey);
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
    fill($("legend"), { question, most: most.toExponential(1).replace("-", "−") });
    $("legend").hidden = false;
    busy(null);
  }

  // ---- controls

  /** Shows in every control what the state holds. */
  function drawControls() {
    $("own-shown").hidden = !state.own;
    if (!policy) return;
    for (const id of BOXES) $(id).checked = state.edits[id];
    for (const [id, key] of Object.entries(SLIDERS)) {
      $(id).value = state.edits[key];
      $(`${id}-shown`).textContent = signed(state.edits[key], id === "blur" || id === "gamma" ? 1 : 0);
    }
    $("brush-width-shown").textContent = $("brush-width").value;
    $("brush-level-shown").textContent = $("brush-level").value;
    $("wipe").disabled = state.edits.paint.every(Number.isNaN);
    $("undo").disabled = edits.isNone(state.edits);
    const { layer, channel } = state.selected;
    $("layer").value = layer;
    $("channel").value = channel;
    $("channel").max = policy.layers[layer].channels - 1;
    $("silence").setAttribute("aria-pressed", String(state.silenced[layer].has(channel)));
    if ($("unit")) {
      $("unit").hidden = layer === "hidden";
      $("unit").href = `atlas.html#${layer}/${channel}`;
      fill($("unit"), { name: `${layer}/${channel}` });
    }
    const names = network.LAYERS.flatMap((name) => [...state.silenced[name]].map((unit) => [name, unit]));
    const focused = [...$("silenced").children].findIndex((item) => item.contains(document.activeElement));
    $("silenced").replaceChildren(...names.map(([name, unit]) => {
      const button = make("button", { type: "button", onclick: () => toggle(name, unit) }, `${name}/${unit}`);
      button.setAttribute("aria-label", filled($("silenced").dataset.restore, { name: `${name}/${unit}` }));
      return make("li", {}, button);
    }));
    if (focused >= 0) (($("silenced").children[focused] || {}).firstChild || $("silence")).focus();
    $("none-silenced").hidden = names.length > 0;
    $("restore").disabled = names.length === 0;
    drawCursor();
  }

  /** Shows where the brush would paint. */
  function drawCursor() {
    const width = Number($("brush-width").value);
    const { size } = policy.geometry;
    const cursor = $("cursor").style;
    [cursor.left, cursor.top] = state.cursor.map((place) => `${(100 * Math.round(place - (width - 1) / 2)) / size}%`);
    cursor.width = cursor.height = `${(100 * width) / size}%`;
  }

  function toggle(layer, channel) {
    const silenced = state.silenced[layer];
    if (!silenced.delete(channel)) silenced.add(channel);
    state.selected = { layer, channel };
    refresh();
  }

  function paint() {
    const [width, level] = ["brush-width", "brush-level"].map((id) => Number($(id).value));
    state.edits.paint = edits.stroke(state.edits.paint, ...state.cursor, width, level);
    refresh();
  }

  /** What a policy brings with it: rows of numbers and actions, options, limits. */
  function fit() {
    const { size } = policy.geometry;
    state.edits = edits.none(size);
    state.cursor = [size / 2, size / 2];
    const track = (marked) => {
      const bar = make("div", { className: "track" }, make("div", { className: "bar" }));
      if (marked) bar.append(make("div", { className: "mark" }));
      return bar;
    };
    const row = (name, kind, marked) => {
      const parts = { track: track(marked), number: make("td", { className: "number" }), change: make("td") };
      parts.change.className = "number";
      const cell = make("td", { className: "wide" }, parts.track);
      cell.setAttribute("aria-hidden", "true");
      const head = make("th", { scope: "row" }, name);
      $("quantities").append(make("tr", { className: kind }, head, cell, parts.number, parts.change));
      return parts;
    };
    questions = [...Object.keys(policy.behaviours), "value"].map((name) => {
      const most = name === "value" ? policy.ranges.value : 1;
      const oneSided = name !== "value" && policy.behaviours[name].every((weight) => weight >= 0);
      // A turn to the left points to the left, as in the figures.
      const [low, high] = study.leftward.includes(name) ? [most, -most] : [oneSided ? 0 : -most, most];
      return {
        name,
        low,
        high,
        rows: { now: row(name, "now", true), mirror: row($("quantities").dataset.mirror, "mirror", false) },
      };
    });
    $("actions").append(...policy.actions.map((label) =>
      make("li", {}, make("span", { className: "label" }, label === "-" ? $("actions").dataset.nothing : label),
        track(true), make("span", { className: "number" }))));
    $("question").append(...questions.map(({ name }) => make("option", { value: name }, name)));
    $("question").value = study.steering;
    $("method").append(...Object.keys(attribution.METHODS).map((name) => make("option", { value: name }, name)));
    $("layer").append(...network.LAYERS.map((name) => make("option", { value: name }, name)));
    const most = Math.floor(size / 4);
    for (const id of ["shift-x", "shift-y"]) Object.assign($(id), { min: -most, max: most });
    $("controls").disabled = false;
    $("channels").disabled = false;
  }

  function listen() {
    for (const id of BOXES) {
      $(id).addEventListener("input", () => ((state.edits[id] = $(id).checked), refresh()));
    }
    for (const [id, key] of Object.entries(SLIDERS)) {
      $(id).addEventListener("input", () => ((state.edits[key] = Number($(id).value)), refresh()));
    }
    for (const id of ["brush-width", "brush-level", "method", "question"]) $(id).addEventListener("input", refresh);
    $("opacity").addEventListener("input", () => ($("overlay").style.opacity = $("opacity").value / 100));
    $("wipe").addEventListener("click", () => {
      state.edits.paint = edits.none(policy.geometry.size).paint;
      refresh();
    });
    $("undo").addEventListener("click", () => {
      state.edits = edits.none(policy.geometry.size);
      refresh();
    });
    $("own").addEventListener("change", () => {
      takeOwn($("own").files[0]);
      $("own").value = ""; // so that the same file can be chosen again
    });
    $("leave-own").addEventListener("click", choose);
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      if (policy && state.frame) takeOwn(event.dataTransfer.files[0]);
    });

    const view = $("view");
    const point = (event) => {
      const box = view.getBoundingClientRect();
      const { size } = policy.geometry;
      const inside = (share) => Math.min(size - 1, Math.max(0, Math.floor(share * size)));
      state.cursor = [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
    };
    view.addEventListener("pointerdown", (event) => {
      if (!policy) return;
      view.setPointerCapture(event.pointerId);
      point(event);
      paint();
    });
    view.addEventListener("pointermove", (event) => {
      if (!policy) return;
      point(event);
      if (event.buttons & 1) paint();
      else drawCursor();
    });
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    view.addEventListener("keydown", (event) => {
      if (!policy) return;
      const step = steps[event.key];
      const painting = event.key === " " || event.key === "Enter";
      if (!step && !painting) return;
      event.preventDefault();
      if (painting) paint();
      else {
        const most = policy.geometry.size - 1;
        state.cursor = state.cursor.map((place, i) => Math.min(most, Math.max(0, place + step[i])));
        drawCursor();
      }
    });

    for (const layer of network.LAYERS) {
      const at = (event) => {
        const { tile, columns, channels } = layout(layer);
        const box = $(layer).getBoundingClientRect();
        const across = (tile * box.width) / $(layer).width;
        const [x, y] = [event.clientX - box.left, event.clientY - box.top];
        const [column, row] = [Math.floor(x / across), Math.floor(y / across)];
        const channel = row * columns + column;
        return column < columns && channel < channels ? channel : null;
      };
      $(layer).addEventListener("click", (event) => {
        const channel = policy && at(event);
        if (policy && channel !== null) toggle(layer, channel);
      });
      $(layer).addEventListener("pointermove", (event) => {
        const channel = policy && state.layers ? at(event) : null;
        if (channel !== null) drawReadout(layer, channel);
      });
    }
    $("layer").addEventListener("input", () => {
      const layer = $("layer").value;
      state.selected = { layer, channel: Math.min(state.selected.channel, policy.layers[layer].channels - 1) };
      refresh();
    });
    $("channel").addEventListener("input", () => {
      const channel = Number($("channel").value);
      const { layer } = state.selected;
      if ($("channel").value === "" || !Number.isInteger(channel) || channel < 0) return;
      if (channel < policy.layers[layer].channels) state.selected = { layer, channel };
      refresh();
    });
    $("silence").addEventListener("click", () => toggle(state.selected.layer, state.selected.channel));
    $("restore").addEventListener("click", () => {
      Object.values(state.silenced).forEach((channels) => channels.clear());
      refresh();
      $("silence").focus();
    });

    window.addEventListener("hashchange", choose);
    // A phone resizes its window while it scrolls: what does not depend on the width is not drawn again.
    window.addEventListener("resize", drawLayers);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawLayers);
  }

  window.policyLive = {
    frames: study.frames,
    async run(index, { mirrored = false, silenced = {} } = {}) {
      await loadPolicy();
      const { grey, other } = await loadFrame(index);
      const found = network.forward(policy, network.still(policy, mirrored ? other : grey), silenced);
      return { logits: [...found.logits], value: found.value };
    },
    async milliseconds(passes) {
      await loadPolicy();
      const stack = network.still(policy, (await loadFrame(0)).grey);
      const start = performance.now();
      for (let pass = 0; pass < passes; pass++) network.forward(policy, stack);
      return (performance.now() - start) / passes;
    },
  };

  listen();
  choose()
    .then(loadPolicy)
    .then(() => {
      fit();
      refresh();
    })
    .catch(() => tell("missing", { name: "explore/policy.js" }));
})();
