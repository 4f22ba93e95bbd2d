"use strict";

// The network's units: tiles to choose one by, what is known of it, and what is done to it.
const units = (() => {
  const { $, study, fill, filled, make, plainNumber } = page;
  const LARGE = 88; // CSS pixels of the chosen unit's picture, and of a pinned one's
  const SMALL = 44;
  let bench = null; // {state, policy, now, plain, refresh, settle}, the page's
  let updateTools = null;
  let updatePins = null;

  const { sameUnit, unitName } = experiments;
  const changeOf = (unit) => bench.state.units.find((one) => sameUnit(one, unit));

  function select(unit) {
    bench.state.selected = { layer: unit.layer, channel: unit.channel };
    bench.refresh();
  }

  /** Changes the chosen unit; undoes the change where it is so already. */
  function toggle(change) {
    const { selected, units: before } = bench.state;
    const wanted = { ...selected, ...change };
    const old = changeOf(selected);
    const same = old && old.factor === wanted.factor && old.source === wanted.source;
    bench.state.units = same ? before.filter((one) => one !== old) : experiments.changed(before, wanted);
    bench.settle();
  }

  function pin() {
    const { selected, pinned } = bench.state;
    const kept = pinned.filter((one) => !sameUnit(one, selected));
    bench.state.pinned = kept.length < pinned.length ? kept : [...pinned, { ...selected }];
    bench.settle();
  }

  // ---- drawing

  const channelValues = (layers, { layer, channel }) => {
    const { channels } = bench.policy.layers[layer];
    return layers[layer].filter((_, i) => i % channels === channel);
  };

  function drawPicture(canvas, { layer, channel }, side) {
    const { layers, ranges } = bench.policy;
    tiles.drawOne(canvas, layers[layer], bench.now.layers[layer], channel, ranges[layer], side);
  }

  /** Shows in the panel what is known of a unit: the chosen one, or the one that is pointed at. */
  function show(unit) {
    const name = unitName(unit);
    const [values, before] = [bench.now, bench.plain].map((run) => channelValues(run.layers, unit));
    const [low, high] = [Math.min(...values), Math.max(...values)].map((x) => plainNumber(x, 3));
    const [mean, old] = [values, before].map((numbers) =>
      plainNumber(numbers.reduce((sum, x) => sum + x, 0) / numbers.length, 3));
    $("unit-shown").textContent = name;
    fill($("readout"), { name, low, high });
    fill($("means"), { mean, old });
    drawPicture($("unit-picture"), unit, LARGE);
    if ($("exemplars").dataset.unit !== name) drawExemplars(unit, name);
  }

  /** The study's frames on which a unit is strongest, each with what the unit saw there. */
  function drawExemplars(unit, name) {
    const list = $("exemplars");
    list.dataset.unit = name;
    const thumbnails = document.querySelectorAll(".strip img");
    const [height, width] = study.size;
    list.replaceChildren(...bench.policy.exemplars[unit.layer][unit.channel].map(([index, ...box]) => {
      const frame = study.frames[index];
      const alt = filled(list.dataset.alt, { frame, unit: name });
      const picture = make("img", { src: thumbnails[index].src, alt, title: frame, width: 112, height: 66 });
      const item = make("li", {}, picture);
      if (box.length) {
        const mark = make("span", {});
        const [top, left, high, wide] = box;
        Object.assign(mark.style, {
          top: `${(100 * top) / height}%`, left: `${(100 * left) / width}%`,
          height: `${(100 * high) / height}%`, width: `${(100 * wide) / width}%`,
        });
        item.append(mark);
      }
      return item;
    }));
  }

  function drawControls() {
    const { selected, pinned } = bench.state;
    const [change, name] = [changeOf(selected), unitName(selected)];
    const press = (id, pressed) => $(id).setAttribute("aria-pressed", String(Boolean(pressed)));
    press("silence", change && change.factor === 0);
    press("scale", change && change.factor);
    press("patch", change && change.source !== undefined);
    if (change && change.source !== undefined) $("source").value = change.source;
    press("pin", pinned.some((one) => sameUnit(one, selected)));
    if (document.activeElement !== $("unit-name")) $("unit-name").value = name;
    if ($("unit")) {
      $("unit").hidden = bench.policy.layers[selected.layer].shape.length === 1;
      $("unit").href = `atlas.html#${name}`;
      fill($("unit"), { name });
    }
    updateTools();
  }

  function drawPins() {
    const list = $("pins");
    const focused = [...list.children].findIndex((item) => item.contains(document.activeElement));
    list.replaceChildren(...bench.state.pinned.map((unit) => {
      const [values, before] = [bench.now, bench.plain].map((run) => channelValues(run.layers, unit));
      const [mean, old] = [values, before].map((numbers) =>
        plainNumber(numbers.reduce((sum, x) => sum + x, 0) / numbers.length, 3));
      const canvas = make("canvas");
      drawPicture(canvas, unit, SMALL);
      canvas.setAttribute("aria-hidden", "true");
      const words = make("span", {}, filled(list.dataset.text, { name: unitName(unit), mean, old }));
      const button = make("button", { type: "button", onclick: () => (select(unit), bench.settle()) }, canvas, words);
      return make("li", {}, button);
    }));
    $("no-pins").hidden = bench.state.pinned.length > 0;
    updatePins();
    if (focused >= 0 && list.children[focused]) list.children[focused].firstChild.focus();
  }

  function drawTiles() {
    const { selected, units: changes, pinned } = bench.state;
    for (const [name, layer] of Object.entries(bench.policy.layers)) {
      const ofLayer = (list) => list.filter((one) => one.layer === name).map((one) => one.channel);
      const chosen = selected.layer === name ? selected.channel : null;
      const marks = { changed: ofLayer(changes), pinned: ofLayer(pinned), selected: chosen };
      tiles.draw($(name), layer, bench.now.layers[name], bench.policy.ranges[name], marks);
      $(name).tabIndex = chosen === null ? -1 : 0;
    }
  }

  /** Draws all of it on the bench's latest run. */
  function draw() {
    drawTiles();
    show(bench.state.selected);
    drawControls();
    drawPins();
  }

  // ---- controls

  /** Moves the choice by an arrow key: within a layer, and from its first or last line to the next layer. */
  function move(key) {
    const { selected } = bench.state;
    const names = Object.keys(bench.policy.layers);
    const { channels } = bench.policy.layers[selected.layer];
    const { line } = tiles.layout($(selected.layer), bench.policy.layers[selected.layer]);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -line, ArrowDown: line }[key];
    const channel = selected.channel + step;
    if (channel >= 0 && channel < channels) return select({ layer: selected.layer, channel });
    const next = names[names.indexOf(selected.layer) + Math.sign(step)];
    if (next === undefined) return;
    select({ layer: next, channel: step > 0 ? 0 : bench.policy.layers[next].channels - 1 });
    $(next).tabIndex = 0;
    $(next).focus();
  }

  function listenToTiles(layer) {
    const canvas = $(layer);
    const at = (event) => {
      const channel = bench.now ? tiles.at(canvas, bench.policy.layers[layer], event) : null;
      return channel === null ? null : { layer, channel };
    };
    canvas.addEventListener("click", (event) => {
      const unit = at(event);
      if (!unit) return;
      select(unit);
      bench.settle();
    });
    canvas.addEventListener("pointermove", (event) => {
      const unit = at(event);
      if (unit) show(unit);
    });
    canvas.addEventListener("pointerleave", () => bench.now && show(bench.state.selected));
    canvas.addEventListener("keydown", (event) => {
      if (!bench.now) return;
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        $("silence").focus();
      } else if (event.key.startsWith("Arrow")) {
        event.preventDefault();
        move(event.key);
      }
    });
    // An arrow that is held down passes many units; the address keeps where it ends.
    canvas.addEventListener("keyup", (event) => event.key.startsWith("Arrow") && bench.settle());
  }

  function listen(given) {
    bench = given;
    study.layers.forEach(listenToTiles);
    $("silence").addEventListener("click", () => toggle({ factor: 0 }));
    $("scale").addEventListener("click", () => {
      const factor = Number($("factor").value);
      if ($("factor").value !== "" && Number.isFinite(factor)) toggle({ factor });
    });
    const patch = () => toggle({ source: $("source").value });
    $("patch").addEventListener("click", patch);
    $("source").addEventListener("input", () => (changeOf(bench.state.selected) || {}).source !== undefined && patch());
    $("pin").addEventListener("click", pin);
    $("unit-name").addEventListener("input", () => {
      const unit = experiments.unit($("unit-name").value.trim(), study);
      $("unit-name").setCustomValidity(unit ? "" : filled($("unit-name").dataset.unknown, { last: lastUnit() }));
      if (unit) select(unit);
    });
    $("unit-name").addEventListener("change", () => ($("unit-name").reportValidity(), bench.settle()));
    updateTools = page.rove($("unit-tools"), "button, a");
    updatePins = page.rove($("pins"), "button");
  }

  const lastUnit = () => {
    const [layer, count] = Object.entries(study.channels).pop();
    return `${layer}/${count - 1}`;
  };

  return { listen, draw, drawTiles };
})();
