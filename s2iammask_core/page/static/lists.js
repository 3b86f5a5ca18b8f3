// Events, and what runs.

import { $, make } from "./dom.js";

// events: [{time (seconds since 1970), text, level}, ...], the newest last
export function showEvents(events = []) {
  $("events-card").hidden = !events.length;
  $("events").replaceChildren(...[...events].reverse().map(({ time, text, level }) => {
    const at = new Date(1000 * time);
    return make("li", { "data-level": level }, make("time", { dateTime: at.toISOString() }, at.toLocaleTimeString([], { hour12: false })), make("span", {}, text));
  }));
}

export function showAbout(about) {
  $("about-card").hidden = !Object.keys(about).length;
  $("about").replaceChildren(...Object.entries(about).flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}
