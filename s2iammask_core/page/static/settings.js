// What belongs to the viewer: colours, opacity, names, theme. Kept in this browser.

import { $, make } from "./dom.js";

const KEY = "s2iammask.look";
const USUAL = { theme: "auto", opacity: 0.4, boxes: true, names: true, palette: "bright", when: "once" };

export const look = { ...USUAL, ...stored() };

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

export function change(values, changed) {
  Object.assign(look, values);
  try {
    localStorage.setItem(KEY, JSON.stringify(look));
  } catch {
    // a browser that keeps nothing
  }
  apply();
  changed();
}

export function apply() {
  document.documentElement.dataset.theme = look.theme;
}

export function buildSettings(changed) {
  const set = (name) => (value) => change({ [name]: value }, changed);
  $("settings").append(
    heading("View", "settings"),
    choice("Theme", "theme", { auto: "As the system", light: "Light", dark: "Dark" }, set("theme")),
    range("Opacity of masks", look.opacity, set("opacity")),
    choice("Colours", "palette", { bright: "Bright", safe: "Colour-blind safe" }, set("palette")),
    toggle("Boxes", look.boxes, set("boxes")),
    toggle("Names", look.names, set("names")),
  );
  $("settings-button").onclick = () => $("settings").showModal();
}

const SHORTCUTS = [
  ["drag", "a box around an object; the picture stands still meanwhile"],
  ["click", "a box of the click size, or choose the target there"],
  ["wheel, two fingers", "look closer; 0 for the whole picture"],
  ["B", "a box in the middle, for the keys below"],
  ["arrows", "move the box; with Shift resize it; with Alt in small steps"],
  ["[ ]", "turn the box"],
  ["Enter, Esc", "track the box, or drop it"],
  ["Delete", "stop the chosen target"],
  ["1 to 9", "choose a target"],
];
const LIVE = [["Space", "let the picture stand still, or go on"]];
const CLIP = [
  ["Space", "play, pause"], [", .", "one frame back, on"], ["Home, End", "first, last frame"], ["T", "track all targets to the end"],
  ["a chosen target", "is corrected by the next box, from its frame on"],
];

export function buildHelp(kind) {
  const rows = [...SHORTCUTS, ...(kind === "clip" ? CLIP : LIVE)];
  const list = make("dl", { class: "keys" }, ...rows.flatMap(([keys, what]) => [make("dt", {}, keys), make("dd", {}, what)]));
  $("help").replaceChildren(heading("Mouse, fingers, keys", "help"), list);
  $("help-button").onclick = () => $("help").showModal();
}

function heading(text, dialog) {
  const close = make("button", { class: "quiet", "aria-label": "Close" }, "✕");
  close.onclick = () => $(dialog).close();
  $(dialog).onclick = (event) => event.target === $(dialog) && $(dialog).close();
  return make("div", { class: "head" }, make("h2", {}, text), close);
}

function choice(text, name, options, set) {
  const buttons = Object.entries(options).map(([value, words]) => {
    const input = make("input", { type: "radio", name, value, checked: look[name] === value });
    input.onchange = () => set(value);
    return make("label", {}, input, make("span", {}, words));
  });
  return make("div", { class: "row" }, make("span", {}, text), make("fieldset", { class: "segments" }, ...buttons));
}

function range(text, value, set) {
  const input = make("input", { type: "range", min: 0, max: 1, step: 0.05, value, "aria-label": text });
  input.oninput = () => set(Number(input.value));
  return make("label", { class: "row" }, make("span", {}, text), input);
}

function toggle(text, value, set) {
  const input = make("input", { type: "checkbox", class: "switch", checked: value });
  input.onchange = () => set(input.checked);
  return make("label", { class: "row" }, make("span", {}, text), input);
}
