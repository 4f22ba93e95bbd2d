"use strict";
{
  const at = (id) => document.getElementById(`page:${id}`);
  const [index, shown, notice, search, sort, found] = ["index", "unit", "notice", "search", "sort", "found"].map(at);
  const [kept, view, map, pointed] = ["filter", "view", "points", "pointed"].map(at);
  const views = { pictures: at("pictures"), table: at("table"), map: at("map") };
  const byNumber = (selector) =>
    new Map([...document.querySelectorAll(selector)].map((one) => [one.dataset.number, one]));
  const [rows, points] = [byNumber("tr[data-number]"), byNumber("svg a[data-number]")];
  const tiles = [...document.querySelectorAll(".tiles li")];
  const byLink = new Map(tiles.map((tile) => [tile.id.slice("all:".length), tile]));
  const byName = new Map(tiles.map((tile) => [tile.dataset.name, tile]));
  const contents = new Map(); // of units that were shown already, by number
  const title = document.title;
  let place = 0; // how far the index was scrolled when it was left

  try {
    const theme = localStorage.getItem("theme"); // chosen in the article
    if (["light", "dark"].includes(theme)) document.documentElement.dataset.theme = theme;
  } catch {
    // A browser may keep nothing for files.
  }

  // What a unit's script calls, once it is loaded.
  window.addUnit = (number, packed) => contents.set(number, packed);

  /** Text that was deflated and written in base64. */
  function unpacked(packed) {
    const letters = atob(packed);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  }

  function wanted() {
    const fragment = location.hash.slice(1);
    try {
      return decodeURIComponent(fragment);
    } catch {
      return fragment; // no name that was ever encoded
    }
  }

  // A page that is opened from disk may not fetch a file, but it may load a script.
  function load({ number, file }) {
    return new Promise((resolve, reject) => {
      if (contents.has(Number(number))) return resolve(contents.get(Number(number)));
      const script = document.createElement("script");
      script.src = file;
      script.onload = () => resolve(contents.get(Number(number)));
      script.onerror = () => reject(new Error(file));
      document.body.append(script);
      script.remove();
    });
  }

  async function showUnit(link, tile, byReader) {
    if (!index.hidden) place = scrollY;
    index.hidden = true;
    let content;
    try {
      content = await unpacked(await load(tile.dataset));
    } catch (error) {
      if (wanted() === link) showIndex("", `${error.message} cannot be read. It must lie beside this page.`);
      return;
    }
    if (wanted() !== link) return; // the reader went on meanwhile
    notice.textContent = "";
    shown.innerHTML = content;
    shown.hidden = false;
    document.title = `${tile.dataset.name} – ${title}`;
    if (!byReader) return;
    scrollTo(0, 0);
    shown.querySelector("h2").focus({ preventScroll: true });
  }

  function showIndex(link, message) {
    const left = !shown.hidden;
    notice.textContent = message;
    shown.hidden = true;
    index.hidden = false;
    document.title = title;
    const target = link && document.getElementById(link);
    const part = Object.keys(views).find((name) => target && views[name].contains(target));
    if (part && views[part].hidden) {
      look(part);
      target.scrollIntoView();
    }
    if (message) scrollTo(0, 0);
    else if (!left) return; // the browser has gone there itself
    else if (!target) scrollTo(0, place);
    else {
      const tile = target.matches(".tiles li");
      target.scrollIntoView({ block: tile ? "center" : "start" });
      if (tile) target.querySelector("a").focus({ preventScroll: true });
    }
  }

  function route(byReader) {
    const link = wanted();
    const tile = byLink.get(link) ?? byName.get(link); // a name's spaces are no part of its link, but lead there too
    if (tile) return showUnit(link, tile, byReader);
    const known = !link || document.getElementById(link);
    showIndex(link, known ? "" : `There is no unit “${link}” in this atlas.`);
  }

  /** Whether a unit is among those that are asked for. */
  function wantedTile(tile) {
    const words = search.value.trim().toLowerCase();
    const [only, layer] = kept.value.split(":");
    if (!tile.dataset.name.toLowerCase().includes(words)) return false;
    return only === "" || (only === "layer" ? tile.dataset.layer === layer : only in tile.dataset);
  }

  function filter() {
    for (const tile of tiles) {
      tile.hidden = !wantedTile(tile);
      rows.get(tile.dataset.number).hidden = tile.hidden;
      points.get(tile.dataset.number)?.classList.toggle("faint", tile.hidden);
    }
    for (const list of document.querySelectorAll(".tiles")) {
      list.closest("section").hidden = !list.querySelector("li:not([hidden])");
    }
    const count = tiles.filter((tile) => !tile.hidden).length;
    found.textContent = count < tiles.length ? `${count} of ${tiles.length} units` : "";
  }

  // Largest first; units without the number come last, in the atlas' order. The table is sorted over all layers.
  function order() {
    const key = sort.value;
    const size = (tile) => (key in tile.dataset ? Number(tile.dataset[key]) : -Infinity);
    const compare = (a, b) => (size(a) === size(b) ? 0 : size(b) - size(a)) || a.dataset.number - b.dataset.number;
    for (const list of document.querySelectorAll(".tiles")) list.append(...[...list.children].sort(compare));
    const sorted = [...tiles].sort(compare).map((tile) => rows.get(tile.dataset.number));
    sorted[0].parentElement.append(...sorted);
    for (const tile of tiles) {
      const number = key && key in tile.dataset ? Number(tile.dataset[key]).toFixed(3).replace("-", "−") : "–";
      tile.querySelector(".by").textContent = key ? number : "";
    }
  }

  /** Shows one of the views; a link into the page that leads to another one opens that. */
  function look(name) {
    view.value = name;
    for (const [other, part] of Object.entries(views)) part.hidden = other !== name;
  }

  function point(event) {
    const unit = event.target.closest?.("a");
    for (const one of map.querySelectorAll(".pointed-at")) one.classList.remove("pointed-at");
    if (!unit) return;
    unit.classList.add("pointed-at");
    pointed.textContent = unit.querySelector("title").textContent;
  }

  addEventListener("hashchange", () => route(true));
  addEventListener("keydown", (event) => {
    const way = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    if (!way || shown.hidden || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.(".scroll")) return; // a wide table scrolls with the same keys
    shown.querySelector(`nav a[rel=${way}]`)?.click();
  });
  search.addEventListener("input", filter);
  sort.addEventListener("change", order);
  kept.addEventListener("change", filter);
  view.addEventListener("change", () => look(view.value));
  map.addEventListener("pointerover", point);
  // A browser may keep what stood in the controls over a reload.
  filter();
  order();
  look(view.value);
  route(false);
}
