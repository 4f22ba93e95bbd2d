"use strict";

// What a reader asks of the policy, as text: the address of the page holds all of it, to the last digit.
//
// An experiment is {frame, edits, units, selected, pinned, question, method}: a frame's name, or null; what is done to
// it, as `edits` has it; changes of units, each {layer, channel, factor} or {layer, channel, source}, which is the name
// of the frame that the unit is patched from, or "" for the mirror image; units as {layer, channel}. What is as in a new
// experiment is left out of the address, so that a frame's own link stays short.
const experiments = (() => {
  const AMOUNTS = { gamma: "gamma", blur: "blur", shiftX: "x", shiftY: "y" }; // of the edits, as the address names them
  const FLAGS = ["mirror", "invert"];

  const sameUnit = (one, other) => one.layer === other.layer && one.channel === other.channel;
  const unitName = ({ layer, channel }) => `${layer}/${channel}`;

  /** An experiment in which nothing is changed. study: size, channels (by layer), steering, method. */
  const fresh = ({ size, channels, steering, method }) => ({
    frame: null,
    edits: edits.none(...size),
    units: [],
    selected: { layer: Object.keys(channels)[0], channel: 0 },
    pinned: [],
    question: steering,
    method,
  });

  /** The unit of a name such as "conv1/14"; null where the study has no such unit. */
  function unit(name, { channels }) {
    const [, layer, number] = name.match(/^(.*)\/(\d+)$/) || [];
    return layer in channels && Number(number) < channels[layer] ? { layer, channel: Number(number) } : null;
  }

  /** Painted pixels as runs of one level in a row: "start.length.level", with "_" between. */
  function writePaint(paint) {
    const runs = [];
    paint.forEach((level, i) => {
      const last = runs[runs.length - 1];
      if (Number.isNaN(level)) return;
      if (last && last.start + last.length === i && last.level === level) last.length += 1;
      else runs.push({ start: i, length: 1, level });
    });
    return runs.map(({ start, length, level }) => `${start}.${length}.${level}`).join("_");
  }

  /** The runs of such a text, [start, length, level]. */
  const paintRuns = (text) => (text ? text.split("_").map((run) => run.split(".").map(Number)) : []);

  function readPaint(text, size) {
    const paint = new Float32Array(size).fill(NaN);
    for (const [start, length, level] of paintRuns(text)) {
      if ([start, length, level].every((x) => Number.isInteger(x) && x >= 0) && level <= 255) {
        paint.fill(level, start, start + length);
      }
    }
    return paint;
  }

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text; // A broken escape is text like any other.
    }
  }

  /** In lists a layer's name is escaped by itself, for it may have the lists' own marks. */
  const listedName = ({ layer, channel }) => `${encodeURIComponent(layer)}/${channel}`;
  const listedUnit = (text, study) => unit(decoded(text), study);

  const writeSource = (source) => (source === "" ? "@mirror" : `@frame/${encodeURIComponent(source)}`);
  const writeChange = (change) =>
    `${listedName(change)}${change.source === undefined ? `*${change.factor}` : writeSource(change.source)}`;

  function readChange(text, study) {
    const [, name, patch, frame, factor] = text.match(/^(.*?)(?:(@)(?:mirror|frame\/(.+))|\*(-?[\d.]+(?:e-?\d+)?))$/) || [];
    const found = name === undefined ? null : listedUnit(name, study);
    if (!found) return null;
    if (!patch) return Number.isFinite(Number(factor)) ? { ...found, factor: Number(factor) } : null;
    const source = frame === undefined ? "" : decoded(frame);
    return source === "" || study.frames.includes(source) ? { ...found, source } : null;
  }

  /** Escaped for an address, but for the marks that make it readable. */
  const escaped = (text) => encodeURIComponent(text).replace(/%2F/g, "/").replace(/%2C/g, ",").replace(/%40/g, "@");

  /** What stands behind the # of the address. */
  function write(experiment, study) {
    const { frame, edits: asked, units, selected, pinned, question, method } = experiment;
    const plain = fresh(study);
    const parts = {};
    for (const flag of FLAGS) if (asked[flag]) parts[flag] = "1";
    for (const [key, short] of Object.entries(AMOUNTS)) if (asked[key] !== 0) parts[short] = String(asked[key]);
    parts.paint = writePaint(asked.paint);
    parts.units = units.map(writeChange).join(",");
    if (!sameUnit(selected, plain.selected)) parts.unit = unitName(selected);
    parts.pins = pinned.map(listedName).join(",");
    if (question !== plain.question) parts.of = question;
    if (method !== plain.method) parts.map = method || "none";
    const said = Object.entries(parts).filter(([, text]) => text).map(([key, text]) => `${key}=${escaped(text)}`);
    return `frame/${encodeURIComponent(frame)}${said.length ? `?${said.join("&")}` : ""}`;
  }

  /** The experiment of such a text. What it names and the study lacks is as in a new one, but for the frame's name. */
  function read(text, study) {
    const found = fresh(study);
    const [, name, rest] = text.match(/^frame\/([^?]*)(?:\?(.*))?$/) || [];
    if (name === undefined) return found;
    const parts = Object.fromEntries((rest || "").split("&").map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at), decoded(part.slice(at + 1))];
    }));
    const listed = (key) => (parts[key] ? parts[key].split(",") : []);
    found.frame = decoded(name);
    for (const flag of FLAGS) found.edits[flag] = parts[flag] === "1";
    for (const [key, short] of Object.entries(AMOUNTS)) {
      const amount = Number(parts[short] || 0);
      if (Number.isFinite(amount)) found.edits[key] = amount;
    }
    found.edits.blur = Math.max(0, found.edits.blur);
    for (const key of ["shiftX", "shiftY"]) found.edits[key] = Math.round(found.edits[key]);
    found.edits.paint = readPaint(parts.paint, study.size[0] * study.size[1]);
    for (const change of listed("units").map((one) => readChange(one, study))) {
      if (change) found.units = changed(found.units, change);
    }
    found.pinned = listed("pins").map((one) => listedUnit(one, study)).filter(Boolean);
    found.selected = unit(parts.unit || "", study) || found.selected;
    if (study.questions.includes(parts.of)) found.question = parts.of;
    if (parts.map === "none") found.method = "";
    if (study.methods.includes(parts.map)) found.method = parts.map;
    return found;
  }

  /** Changes of units with one more; of each unit the last one holds. */
  const changed = (units, change) => [...units.filter((one) => !sameUnit(one, change)), change];

  /** What is changed, in turn: a kind, the numbers that words need, and the experiment's parts without this change. */
  function listed({ edits: asked, units }) {
    const without = (change) => ({ edits: { ...asked, ...change }, units });
    const found = FLAGS.filter((flag) => asked[flag]).map((flag) => ({ kind: flag, rest: without({ [flag]: false }) }));
    for (const key of Object.keys(AMOUNTS)) {
      if (asked[key] !== 0) found.push({ kind: key, amount: asked[key], rest: without({ [key]: 0 }) });
    }
    const painted = asked.paint.reduce((count, level) => count + !Number.isNaN(level), 0);
    if (painted) {
      found.push({ kind: "paint", amount: painted, rest: without({ paint: asked.paint.map(() => NaN) }) });
    }
    for (const change of units) {
      const rest = { edits: asked, units: units.filter((one) => one !== change) };
      const { source, factor } = change;
      const kind = source === undefined ? (factor === 0 ? "silence" : "scale") : source === "" ? "patch" : "borrow";
      found.push({ kind, name: unitName(change), amount: factor, source, rest });
    }
    return found;
  }

  return { fresh, unit, unitName, sameUnit, write, read, changed, listed, writePaint, paintRuns };
})();
