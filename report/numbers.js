"use strict";

// What the policy puts out: a row for each quantity on the frame and on its mirror image, and a list of the actions.
const numbers = (() => {
  const { $, fill, make, percent, signed } = page;
  const QUIET = 1000; // milliseconds without a change, after which the numbers are spoken
  const SHARES = [0.25, 0.5, 1]; // where the bars of probabilities may end, so that small ones are seen
  let questions = []; // name, the ends of its bars on the left and on the right, and the elements of its rows
  let speech = 0; // the timer after which the numbers are spoken

  function track(marked) {
    const bar = make("div", { className: "track" }, make("div", { className: "bar" }));
    if (marked) bar.append(make("div", { className: "mark" }));
    return bar;
  }

  function row(name, kind, marked) {
    const parts = { track: track(marked), number: make("td", { className: "number" }), change: make("td") };
    parts.change.className = "number";
    const cell = make("td", { className: "wide" }, parts.track);
    cell.setAttribute("aria-hidden", "true");
    const head = make("th", { scope: "row" }, name);
    $("quantities").append(make("tr", { className: kind }, head, cell, parts.number, parts.change));
    return parts;
  }

  /** Makes the rows and the list. leftward: the behaviours whose bars point to the left, as in the figures. */
  function fit(policy, leftward) {
    questions = Object.entries(policy.ends).map(([name, most]) => {
      const share = name !== "value" && policy.behaviours[name].every((weight) => weight >= 0);
      const [low, high] = leftward.includes(name) ? [most, -most] : [share ? 0 : -most, most];
      const mirror = $("quantities").dataset.mirror;
      return { name, low, high, rows: { now: row(name, "now", true), mirror: row(mirror, "mirror", false) } };
    });
    $("actions").append(...policy.actions.map((label) =>
      make("li", {}, make("span", { className: "label" }, label === "-" ? $("actions").dataset.nothing : label),
        track(true), make("span", { className: "number" }))));
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

  function drawQuantities(policy, now, other, plain) {
    for (const { name, rows, low, high } of questions) {
      const [here, there, before] = [now, other, plain].map((run) => network.answer(policy, run, name));
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

  /** Probabilities, or Q values, whose bars go from the least to the greatest of the study's frames. */
  function drawActions(policy, now, plain) {
    const [here, before] = [now, plain].map((run) => run.q || operations.softmax(run.logits));
    const most = Math.max(...here, ...before);
    const [low, high] = policy.returns || [0, SHARES.find((share) => share >= most) || 1];
    fill($("actions-end"), { low: signed(low), high: signed(high), percent: Math.round(100 * high) });
    [...$("actions").children].forEach((row, action) => {
      drawBar(row.querySelector(".track"), low, high, here[action], before[action]);
      row.querySelector(".number").textContent = now.q ? signed(here[action]) : percent(here[action]);
    });
  }

  /** Draws a run beside that of the mirror image and of the unedited frame. */
  function draw(policy, now, other, plain) {
    drawQuantities(policy, now, other, plain);
    drawActions(policy, now, plain);
  }

  /** Where the bar of a readout begins and ends. */
  const ends = (name) => questions.find((question) => question.name === name);

  return { fit, draw, ends };
})();
