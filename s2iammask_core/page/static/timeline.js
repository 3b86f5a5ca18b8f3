// Moving through a clip: buttons, a slider, and a lane for each target that shows in which frames it is what.

import { colourOf } from "./colours.js";
import { $, make, svg } from "./dom.js";

const ICONS = {
  start: "M5 4v12M16 4 8 10l8 6z", back: "M14 4 6 10l8 6z", play: "M6 4l10 6-10 6z", pause: "M6 4h3v12H6zM12 4h3v12h-3z",
  next: "M6 4l8 6-8 6z", end: "M15 4v12M4 4l8 6-8 6z", track: "M3 4l7 6-7 6zM10 4l7 6-7 6z",
};

export class Timeline {
  // heard: {move(action, frame)}: resolves when it is done
  constructor(heard, rate, look) {
    Object.assign(this, { heard, rate, look });
    this.at = { frame: 0, count: 1, mode: "paused", read: 0, whole: false };
    this.build();
  }

  build() {
    this.play = button("play", "Play (Space)", () => this.toggle());
    this.track = make("button", { class: "track-on", title: "Track all targets to the end (T)" }, icon("track"), make("span", {}, "Track on"));
    this.track.onclick = () => (this.at.mode === "tracking" ? this.pause() : this.heard.move("track"));
    this.time = make("output", { class: "time" });
    this.slider = make("input", { type: "range", min: 0, max: 0, step: 1, value: 0, "aria-label": "Frame" });
    this.slider.oninput = () => this.seek(Number(this.slider.value));
    this.lanes = make("div", { class: "lanes" });
    this.read = make("div", { class: "read" });
    const buttons = make("div", { class: "buttons" },
      button("start", "First frame (Home)", () => this.seek(0), "ends"), button("back", "One frame back (,)", () => this.step(-1)), this.play,
      button("next", "One frame on (.)", () => this.step(1)), button("end", "Last frame (End)", () => this.seek(this.at.count - 1), "ends"), this.track, this.time);
    $("timeline").append(make("div", { class: "rail" }, this.read, this.slider), this.lanes, buttons);
    $("timeline").hidden = false;
    this.lanes.onclick = (event) => this.seek(this.frameAt(event));
  }

  frameAt(event) {
    const place = this.lanes.getBoundingClientRect();
    return Math.round(((event.clientX - place.left) / place.width) * (this.at.count - 1));
  }

  // One seek at a time: while the slider moves, only its last place counts.
  async seek(frame) {
    this.wish = Math.min(Math.max(frame, 0), this.at.count - 1);
    if (this.seeking) return;
    this.seeking = true;
    while (this.wish !== null) {
      const next = this.wish;
      this.wish = null;
      await this.heard.move("seek", next);
    }
    this.seeking = false;
    this.slider.value = this.at.frame; // which may have been told while it was in the viewer's hand
  }

  step(by) {
    if (by > 0) this.heard.move("step");
    else this.seek(this.at.frame - 1);
  }

  toggle() {
    if (this.at.mode === "paused") this.heard.move("play");
    else this.pause();
  }

  pause() {
    this.heard.move("pause");
  }

  key(event) {
    const keys = {
      " ": () => this.toggle(), t: () => this.heard.move("track"), ",": () => this.step(-1), ".": () => this.step(1),
      Home: () => this.seek(0), End: () => this.seek(this.at.count - 1), PageUp: () => this.seek(this.at.frame - 10), PageDown: () => this.seek(this.at.frame + 10),
    };
    keys[event.key]?.();
    return event.key in keys;
  }

  // The frame of the picture that is shown is truer than what was said about it a little earlier.
  shown(header) {
    this.place({ ...this.at, frame: Math.round((Number(header.stamp) / 1e9) * this.rate) });
  }

  place(at) {
    this.at = at;
    this.slider.max = Math.max(at.count - 1, 1);
    if (!this.seeking) this.slider.value = at.frame;
    this.read.style.width = `${(100 * at.read) / Math.max(at.count, 1)}%`;
    this.time.textContent = `${at.frame} / ${at.count - 1}${at.whole ? "" : "+"} · ${clock(at.frame / this.rate)}`;
    const running = at.mode !== "paused";
    swap(this.play, running ? "pause" : "play");
    this.track.classList.toggle("on", at.mode === "tracking");
    this.element().style.setProperty("--at", at.frame / Math.max(at.count - 1, 1));
  }

  element() {
    return $("timeline");
  }

  showLanes(lanes) {
    const last = Math.max(this.at.count - 1, 1);
    this.lanes.replaceChildren(...lanes.map((lane) => this.lane(lane, last)));
  }

  lane({ id, label, runs, boxes }, last) {
    const row = svg("svg", { class: "lane", viewBox: `0 0 ${last} 10`, preserveAspectRatio: "none" });
    row.style.setProperty("--colour", colourOf(id, this.look().palette));
    for (const [from, to, state] of runs) row.append(svg("rect", { x: from, width: Math.max(Math.min(to, last) - from, last / 400), y: 3, height: 4, class: state }));
    for (const frame of boxes) row.append(svg("rect", { x: frame - last / 400, width: last / 200, y: 0.5, height: 9, class: "box" }));
    row.append(svg("title", {}, document.createTextNode(`${label || `#${id}`}: full where it is tracked, pale where unsure, red where lost`)));
    return row;
  }
}

function icon(name) {
  return svg("svg", { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

function button(name, title, pressed, kind = "") {
  const made = make("button", { class: `quiet ${kind}`, title, "aria-label": title }, icon(name));
  made.onclick = pressed;
  return made;
}

function swap(made, name) {
  made.querySelector("path").setAttribute("d", ICONS[name]);
}

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}
