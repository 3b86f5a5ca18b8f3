// The list of targets: how each looks, what it is called, and how sure the tracker is.

import { Sparkline } from "./charts.js";
import { colourOf } from "./colours.js";
import { $, make, span } from "./dom.js";
import { SPAN } from "./trails.js";

const WORDS = { tracking: "tracked", uncertain: "unsure", lost: "lost" };
const THUMB = 44; // CSS pixels
const THUMB_EVERY = 800; // ms
const MARGIN = 1.25; // of a thumbnail around its box

export class Targets {
  // heard: {stop(ids or null), choose(id)}
  constructor(heard, { clip }) {
    this.heard = heard;
    this.clip = clip;
    this.rows = new Map();
    this.chosen = null;
    $("stop-all").onclick = () => heard.stop(null);
    if (clip) $("stop-all").textContent = "Remove all";
  }

  // bitmap: the picture in which the objects are; trails: see trails.js
  show(header, bitmap, trails, look) {
    const objects = header?.objects ?? [];
    for (const [id, row] of this.rows) if (!objects.some((object) => object.id === id)) this.remove(id, row);
    for (const object of objects) this.rowOf(object).show(object, { header, bitmap, points: trails.of(object.id), look, chosen: this.chosen });
    $("count").textContent = objects.length > 1 ? objects.length : "";
    $("stop-all").hidden = objects.length < 2;
    $("no-targets").hidden = objects.length > 0;
  }

  rowOf(object) {
    if (!this.rows.has(object.id)) {
      const row = new Row(object.id, this.heard, this.clip);
      this.rows.set(object.id, row);
      $("targets").append(row.element);
    }
    return this.rows.get(object.id);
  }

  remove(id, row) {
    row.element.remove();
    this.rows.delete(id);
    if (this.chosen === id && !this.clip) this.heard.choose(null);
  }

  ids() {
    return [...this.rows.keys()];
  }
}

class Row {
  constructor(id, heard, clip) {
    this.thumb = make("canvas", { class: "thumb" });
    this.name = make("span", { class: "name" });
    this.state = make("span", { class: "state" });
    this.line = make("div", { class: "spark" });
    const words = clip ? ["Remove from here on", "✕"] : ["Stop", "✕"];
    const stop = make("button", { class: "quiet stop", title: `${words[0]}`, "aria-label": `${words[0]}: ${id}` }, words[1]);
    stop.onclick = () => heard.stop([id]);
    const choose = make("button", { class: "choose" }, this.thumb, make("span", { class: "words" }, this.name, this.state));
    choose.onclick = () => heard.choose(id);
    this.element = make("li", { "data-id": id }, choose, this.line, stop);
    this.sparkline = new Sparkline(this.line, SPAN);
    this.drawn = -Infinity;
  }

  show(object, { header, bitmap, points, look, chosen }) {
    const colour = colourOf(object.id, look.palette);
    this.element.style.setProperty("--colour", colour);
    this.element.dataset.state = object.state;
    this.element.classList.toggle("chosen", object.id === chosen);
    this.name.textContent = object.label || `#${object.id}`;
    this.state.textContent = wordsFor(object);
    if (performance.now() - this.drawn > THUMB_EVERY || this.before !== object.state) this.draw(object, header, bitmap);
    this.before = object.state;
    this.sparkline.show(points, colour);
  }

  // A lost target keeps the last picture in which it was seen.
  draw(object, header, bitmap) {
    if (!bitmap || (object.state === "lost" && this.drawn > 0)) return;
    this.drawn = performance.now();
    const side = Math.round(THUMB * (devicePixelRatio || 1));
    this.thumb.width = this.thumb.height = side;
    const [cx, cy, width, height] = object.box, scale = bitmap.width / header.width;
    const around = Math.max(width, height, 16) * MARGIN;
    const context = this.thumb.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, (cx - around / 2) * scale, (cy - around / 2) * scale, around * scale, around * scale, 0, 0, side, side);
  }
}

function wordsFor(object) {
  const sure = `${Math.round(100 * object.confidence)} %`;
  return object.state === "lost" ? `lost for ${span(object.age)}` : `${WORDS[object.state]} · ${sure}`;
}
