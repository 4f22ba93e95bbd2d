"use strict";

// The page: what the reader asks for is `state`; every change of it ends in `refresh`, which draws everything anew.
(() => {
  const { $, study, fill, filled, make, plainNumber, signed } = page;
  const [height, width] = study.size; // of what the network sees, in pixels
  const BOXES = ["mirror", "invert"]; // controls named as their edits
  const SLIDERS = { gamma: "gamma", blur: "blur", "shift-x": "shiftX", "shift-y": "shiftY" };

  const state = {
    index: 0,
    frame: null, // {name, picture, aspect, planes, other, plain}: what is edited; plain is the run on it unedited
    own: false,
    edits: edits.none(height, width),
    silenced: Object.fromEntries(study.layers.map((name) => [name, new Set()])),
    selected: { layer: study.layers[0], channel: 0 },
    cursor: [Math.floor(width / 2), Math.floor(height / 2)], // the brush, in pixels of the network's view
    layers: null, // activations, as drawn last
  };
  let policy = null;

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
      const frame = { name, ...(await data.frame(index)) };
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
      const planes = network.repeated(seen, policy.mean.length);
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
      drawFrame($("view"), state.frame.planes);
      drawFrame($("mirror-view"), state.frame.other);
      return;
    }
    const { frame } = state;
    $("picture").classList.toggle("mirrored", state.edits.mirror);
    const shown = edits.apply(frame.planes, frame.other, state.edits);
    const other = edits.apply(frame.planes, frame.other, edits.mirrored(state.edits));
    drawFrame($("view"), shown);
    drawFrame($("mirror-view"), other);
    const run = (planes, silenced) => network.forward(policy, network.still(policy, planes), silenced);
    frame.plain = frame.plain || run(frame.planes, {});
    const start = performance.now();
    const now = run(shown, state.silenced);
    fill($("timing"), { time: (performance.now() - start).toFixed(1) });
    numbers.draw(policy, now, run(other, state.silenced), frame.plain);
    state.layers = now.layers;
    drawLayers();
    drawReadout(state.selected.layer, state.selected.channel);
    const [method, question] = [$("method").value, $("question").value];
    maps.draw(shown, method, { policy, question, silenced: state.silenced }, study.verdicts[method]);
  }

  /** Shows a frame's colours or its newest plane. */
  function drawFrame(canvas, planes) {
    Object.assign(canvas, { width, height });
    const [image, size] = [new ImageData(width, height), width * height];
    const [red, green, blue] = study.colour ? [0, size, 2 * size] : Array(3).fill(planes.length - size);
    for (let i = 0; i < size; i++) image.data.set([planes[red + i], planes[green + i], planes[blue + i], 255], 4 * i);
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function drawLayers() {
    if (!state.layers) return;
    for (const [name, layer] of Object.entries(policy.layers)) {
      const selected = state.selected.layer === name ? state.selected.channel : null;
      const marks = { silenced: state.silenced[name], selected };
      tiles.draw($(name), layer, state.layers[name], policy.ranges[name], marks);
    }
  }

  function drawReadout(layer, channel) {
    const { channels } = policy.layers[layer];
    const values = state.layers[layer].filter((_, i) => i % channels === channel);
    const [low, high] = [Math.min(...values), Math.max(...values)].map((x) => plainNumber(x, 3));
    fill($("readout"), { name: `${layer}/${channel}`, low, high });
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
      $("unit").hidden = policy.layers[layer].shape.length === 1;
      $("unit").href = `atlas.html#${layer}/${channel}`;
      fill($("unit"), { name: `${layer}/${channel}` });
    }
    const names = study.layers.flatMap((name) => [...state.silenced[name]].map((unit) => [name, unit]));
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
    const brush = Number($("brush-width").value);
    const share = (pixels, axis) => `${(100 * pixels) / [width, height][axis]}%`;
    const cursor = $("cursor").style;
    [cursor.left, cursor.top] = state.cursor.map((place, axis) => share(Math.round(place - (brush - 1) / 2), axis));
    [cursor.width, cursor.height] = [brush, brush].map(share);
  }

  function toggle(layer, channel) {
    const silenced = state.silenced[layer];
    if (!silenced.delete(channel)) silenced.add(channel);
    state.selected = { layer, channel };
    refresh();
  }

  function paint() {
    const [brush, level] = ["brush-width", "brush-level"].map((id) => Number($(id).value));
    state.edits.paint = edits.stroke(state.edits, ...state.cursor, brush, level);
    refresh();
  }

  /** What a policy brings with it: rows of numbers and actions, options, limits. */
  function fit() {
    const option = (name) => make("option", { value: name }, name);
    numbers.fit(policy, study.leftward);
    $("question").append(...Object.keys(policy.ends).map(option));
    $("question").value = study.steering;
    $("method").append(...Object.keys(attribution.METHODS).map(option));
    $("layer").append(...study.layers.map(option));
    for (const [id, length] of [["shift-x", width], ["shift-y", height]]) {
      Object.assign($(id), { min: -Math.floor(length / 4), max: Math.floor(length / 4) });
    }
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
      state.edits.paint = edits.none(height, width).paint;
      refresh();
    });
    $("undo").addEventListener("click", () => {
      state.edits = edits.none(height, width);
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
    /** Puts the brush on the pixel of a place, the nearest inside the frame. */
    const move = (...place) => {
      state.cursor = [width, height].map((length, axis) => Math.min(length - 1, Math.max(0, Math.floor(place[axis]))));
    };
    const point = (event) => {
      const box = view.getBoundingClientRect();
      move((event.clientX - box.left) / box.width * width, (event.clientY - box.top) / box.height * height);
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
        move(state.cursor[0] + step[0], state.cursor[1] + step[1]);
        drawCursor();
      }
    });

    for (const layer of study.layers) {
      const at = (event) => (state.layers ? tiles.at($(layer), policy.layers[layer], event) : null);
      $(layer).addEventListener("click", (event) => {
        const channel = at(event);
        if (channel !== null) toggle(layer, channel);
      });
      $(layer).addEventListener("pointermove", (event) => {
        const channel = at(event);
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

  listen();
  choose()
    .then(data.policy)
    .then((loaded) => {
      policy = loaded;
      fit();
      refresh();
    })
    .catch(() => tell("missing", { name: "explore/policy.js" }));
})();
