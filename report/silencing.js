"use strict";

// The units that are silenced on the page of an episode: by name, by a button of a unit that the claims name, or by its
// tile. `list` holds them, each as {layer, channel, factor: 0}.
const silencing = (() => {
  const { $, study, fill, filled, make, plainNumber } = page;
  const { changed, sameUnit, unit, unitName } = experiments;
  const found = { list: [], listen, draw, set };
  let bench = null; // {policy, now, settle}, the page's
  let chosen = 0; // channel of the layer that is shown

  const silent = (one) => found.list.some((other) => sameUnit(one, other));
  const layer = () => $("layer").value;

  function toggle(one) {
    found.list = silent(one)
      ? found.list.filter((other) => !sameUnit(one, other))
      : changed(found.list, { layer: one.layer, channel: one.channel, factor: 0 });
    bench.settle();
  }

  /** Silences the units of these names and no other; what the network lacks is left out. */
  function set(names) {
    found.list = names.map((name) => unit(name, study)).filter(Boolean).map((one) => ({ ...one, factor: 0 }));
  }

  function draw() {
    for (const button of document.querySelectorAll("[data-unit]")) {
      button.setAttribute("aria-pressed", String(silent(unit(button.dataset.unit, study))));
    }
    const list = $("changes");
    const focused = [...list.children].findIndex((item) => item.contains(document.activeElement));
    list.replaceChildren(...found.list.map((one) => {
      const button = make("button", { type: "button", onclick: () => toggle(one) }, unitName(one));
      button.setAttribute("aria-label", filled(list.dataset.undo, { name: unitName(one) }));
      return make("li", {}, button);
    }));
    if (focused >= 0) ((list.children[Math.min(focused, found.list.length - 1)] || {}).firstChild || $("unit-name")).focus();
    $("reset").disabled = found.list.length === 0;
    drawTiles();
  }

  function drawTiles() {
    const [name, { policy, now }] = [layer(), bench];
    const off = found.list.filter((one) => one.layer === name).map((one) => one.channel);
    const marks = { changed: off, pinned: [], selected: chosen };
    tiles.draw($("tiles"), policy.layers[name], now.layers[name], policy.ranges[name], marks);
    const { channels } = policy.layers[name];
    const values = now.layers[name].filter((_, i) => i % channels === chosen);
    const [low, high] = [Math.min(...values), Math.max(...values)].map((x) => plainNumber(x, 3));
    fill($("readout"), { name: unitName({ layer: name, channel: chosen }), low, high });
  }

  function choose(channel) {
    if (channel < 0 || channel >= bench.policy.layers[layer()].channels) return;
    chosen = channel;
    drawTiles();
  }

  function listen(given) {
    bench = given;
    for (const button of document.querySelectorAll("[data-unit]")) {
      button.addEventListener("click", () => toggle(unit(button.dataset.unit, study)));
    }
    const asked = () => unit($("unit-name").value.trim(), study);
    $("unit-name").addEventListener("input", () => $("unit-name").setCustomValidity(""));
    const silence = () => {
      const [last, count] = Object.entries(study.channels).pop();
      const one = asked();
      const words = filled($("unit-name").dataset.unknown, { last: `${last}/${count - 1}` });
      $("unit-name").setCustomValidity(one ? "" : words);
      if ($("unit-name").reportValidity()) toggle(one);
    };
    $("silence").addEventListener("click", silence);
    $("unit-name").addEventListener("keydown", (event) => event.key === "Enter" && silence());
    $("reset").addEventListener("click", () => {
      found.list = [];
      bench.settle();
      $("unit-name").focus();
    });
    $("layer").addEventListener("input", () => choose((chosen = 0)));
    $("tiles").addEventListener("click", (event) => {
      const channel = tiles.at($("tiles"), bench.policy.layers[layer()], event);
      if (channel === null) return;
      chosen = channel;
      toggle({ layer: layer(), channel });
    });
    $("tiles").addEventListener("keydown", (event) => {
      const { line } = tiles.layout($("tiles"), bench.policy.layers[layer()]);
      const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -line, ArrowDown: line }[event.key];
      if (move === undefined && event.key !== "Enter") return;
      event.preventDefault();
      if (move === undefined) toggle({ layer: layer(), channel: chosen });
      else choose(chosen + move);
    });
  }

  return found;
})();
