"use strict";

// What every part of the page uses: its elements, words and colours, and what it knows of the study. The words are
// the template's: an element's data-text is filled with what stands between braces.
const page = (() => {
  const $ = (id) => document.getElementById(id);
  const study = JSON.parse($("study").textContent);

  const plainNumber = (x, digits) => x.toFixed(digits).replace("-", "−");
  const signed = (x, digits = 3) => {
    const [text, rounded] = [plainNumber(x, digits), Number(x.toFixed(digits))];
    if (rounded === 0) return text.replace("−", "");
    return rounded > 0 ? `+${text}` : text;
  };
  const percent = (p) => `${(100 * p).toFixed(1)} %`;
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const fill = (element, values) => (element.textContent = filled(element.dataset.text, values));

  const colours = new Map(); // of the reader's scheme, by name
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => colours.clear());

  /** A colour of the style sheet as the reader's scheme has it. */
  function colour(name) {
    if (!colours.has(name)) {
      $("probe").style.color = `var(--${name})`;
      colours.set(name, getComputedStyle($("probe")).color);
    }
    return colours.get(name);
  }

  const rgb = (name) => colour(name).match(/\d+/g).map(Number);

  /** A function that calls `draw` before the next paint, once however often it is called itself. */
  function oncePainted(draw) {
    let waiting = false;
    return () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        draw();
      });
    };
  }

  function make(kind, properties = {}, ...children) {
    const element = Object.assign(document.createElement(kind), properties);
    element.append(...children);
    return element;
  }

  /**
   * Makes a group one stop of the tab key: arrow keys, Home and End move among the items that can be reached.
   *
   * Returns a function to call after items came, went, or were disabled.
   */
  function rove(group, items) {
    const reached = () => [...group.querySelectorAll(items)].filter((item) => !item.disabled && item.checkVisibility());
    let current = null;
    const update = (wanted) => {
      const found = reached();
      current = [wanted, current].find((item) => found.includes(item)) || found[0];
      for (const item of group.querySelectorAll(items)) item.tabIndex = item === current ? 0 : -1;
    };
    group.addEventListener("focusin", (event) => update(event.target.closest(items)));
    group.addEventListener("keydown", (event) => {
      const found = reached();
      const at = found.indexOf(event.target);
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      const end = { Home: 0, End: found.length - 1 }[event.key];
      if (at < 0 || (step === undefined && end === undefined)) return;
      event.preventDefault();
      found[end ?? (at + step + found.length) % found.length].focus();
    });
    update();
    return update;
  }

  /** Words on the clipboard; where the browser lends none, by the old way of a selection. */
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", { value: text, className: "unseen" });
      (document.querySelector("dialog[open]") || document.body).append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  return { $, study, plainNumber, signed, percent, filled, fill, colour, rgb, oncePainted, make, rove, copy };
})();
