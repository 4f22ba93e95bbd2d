"use strict";

// What a reader takes along: the link, the Python that repeats the experiment, the picture, and the numbers.
const saving = (() => {
  const { $, study, fill, make, copy, colour, signed } = page;
  const SIDE = 256; // pixels of the network's view in the saved picture
  const [ROW, MARGIN] = [26, 16];

  /** Gives a file to the reader. */
  function save(name, content) {
    const address = URL.createObjectURL(content);
    make("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  /** Everything that the page shows in numbers, at full precision. */
  function numbersOf({ policy, state, now, other, plain }) {
    const runs = { now, mirrored: other, unedited: plain };
    const of = (measure) => Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, measure(run)]));
    const answers = (name) => of((run) => network.answer(policy, run, name));
    const shares = (run) => run.q || operations.softmax(run.logits);
    return {
      study: study.name,
      checkpoint: policy.sha256,
      frame: state.own ? null : state.frame.name,
      experiment: `#${experiments.write(state.asked(), study)}`,
      readouts: Object.fromEntries(study.questions.map((name) => [name, answers(name)])),
      actions: policy.actions.map((name, i) => ({ name, ...of((run) => shares(run)[i]) })),
    };
  }

  /** The numbers as CSV: kind, name, and a column for each run. */
  function csvOf(found) {
    const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
    const row = (kind, name, { now, mirrored, unedited }) => [kind, cell(name), now, mirrored, unedited].join(",");
    return [
      "kind,name,now,mirrored,unedited",
      ...Object.entries(found.readouts).map(([name, runs]) => row("readout", name, runs)),
      ...found.actions.map(({ name, ...runs }) => row("action", name, runs)),
      "",
    ].join("\n");
  }

  /** Draws frame, views, map and readouts on one canvas, in the page's colours. */
  async function drawPicture({ state, policy, now }) {
    const picture = $("picture");
    await picture.decode();
    const wide = Math.round(SIDE * state.frame.aspect);
    const canvas = make("canvas", {
      width: wide + 2 * SIDE + 4 * MARGIN, height: SIDE + (study.questions.length + 2) * ROW + 2 * MARGIN,
    });
    const context = canvas.getContext("2d");
    context.fillStyle = colour("paper");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = false;
    context.save();
    if (state.edits.mirror) context.setTransform(-1, 0, 0, 1, 2 * MARGIN + wide, 0);
    context.drawImage(picture, MARGIN, MARGIN, wide, SIDE);
    context.restore();
    context.drawImage($("view"), wide + 2 * MARGIN, MARGIN, SIDE, SIDE);
    context.globalAlpha = $("opacity").value / 100;
    context.drawImage($("overlay"), wide + 2 * MARGIN, MARGIN, SIDE, SIDE);
    context.globalAlpha = 1;
    context.drawImage($("mirror-view"), wide + SIDE + 3 * MARGIN, MARGIN, SIDE, SIDE);
    context.font = "15px sans-serif";
    study.questions.forEach((name, i) => drawBar(context, name, i, { policy, now, end: canvas.width - MARGIN }));
    context.fillStyle = colour("quiet");
    context.font = "11px sans-serif";
    const address = `#${experiments.write(state.asked(), study)}`;
    context.fillText(address.slice(0, 160), MARGIN, canvas.height - MARGIN, canvas.width - 2 * MARGIN);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  function drawBar(context, name, i, { policy, now, end }) {
    const y = SIDE + 2 * MARGIN + (i + 0.7) * ROW;
    const value = network.answer(policy, now, name);
    const { low, high } = numbers.ends(name);
    const [left, right] = [170, end - 90];
    const place = (x) => left + (right - left) * Math.min(1, Math.max(0, (x - low) / (high - low)));
    context.fillStyle = colour("ink");
    context.fillText(name, MARGIN, y, left - 2 * MARGIN);
    context.fillText(signed(value), right + MARGIN, y);
    context.fillStyle = colour("shade");
    context.fillRect(left, y - 12, right - left, 14);
    context.fillStyle = colour(value < 0 ? "minus" : "plus");
    context.fillRect(place(0), y - 12, place(value) - place(0), 14);
  }

  function listen(bench) {
    const say = (kind) => {
      $("saved").dataset.text = $("saved").dataset[kind];
      fill($("saved"), {});
    };
    const script = () => repeat.python(bench.state.asked(), study.name);
    $("copy-link").addEventListener("click", async () => {
      await copy(`${location.href.split("#")[0]}#${experiments.write(bench.state.asked(), study)}`);
      say("link");
    });
    $("show-python").addEventListener("click", () => {
      $("python-text").textContent = script();
      $("python").showModal();
    });
    $("copy-python").addEventListener("click", async () => {
      await copy($("python-text").textContent);
      say("python");
      $("python").close();
    });
    const name = () => `${study.name}-${bench.state.frame.name}`.replace(/[^\w.-]+/g, "_");
    $("save-picture").addEventListener("click", async () => save(`${name()}.png`, await drawPicture(bench)));
    $("save-csv").addEventListener("click", () =>
      save(`${name()}.csv`, new Blob([csvOf(numbersOf(bench))], { type: "text/csv" })));
    $("save-json").addEventListener("click", () =>
      save(`${name()}.json`, new Blob([JSON.stringify(numbersOf(bench), null, 1)], { type: "application/json" })));
  }

  return { listen };
})();
