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

  return { $, study, plainNumber, signed, percent, filled, fill, colour, rgb, make };
})();
