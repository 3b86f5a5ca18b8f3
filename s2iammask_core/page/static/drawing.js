// From a box in a picture to a target: when it starts, what it is called, and what the server says.

import { $, clamp } from "./dom.js";
import { inside, fromNumbers, numbers } from "./geometry.js";
import { change, look } from "./settings.js";

const LATE = "That picture is no longer kept. It goes on now: move the box onto the object, then press Track.";
const LONG = 6000; // ms that an answer can be read

export class Drawing {
  constructor(page) {
    this.page = page;
    this.since = 0;
  }

  build() {
    $("tools").onsubmit = (event) => {
      event.preventDefault();
      if (this.active) this.start();
      document.activeElement?.blur?.();
    };
    $("cancel").onclick = () => this.drop();
    for (const input of document.querySelectorAll("#when input")) {
      input.checked = input.value === look.when;
      input.onchange = () => change({ when: input.value }, () => {});
    }
    setInterval(() => this.showBadge(), 250);
    this.hint();
  }

  get stage() {
    return this.page.stage;
  }

  get active() {
    return Boolean(this.stage?.draft.active || this.stage?.frozen);
  }

  // A pointer went down: from now on the picture stands still.
  begun() {
    this.freeze(true);
  }

  freeze(on) {
    if (!this.stage || this.stage.frozen === on) return;
    this.stage.freeze(on);
    this.since = performance.now();
    this.showBadge();
    if (!on) this.stage.badge.hidden = true;
  }

  // box: null for a click, at a point; both are null where the pointer was taken away
  drawn(box, point) {
    if (!point) return this.drop();
    if (!box) {
      const hit = this.stage.header.objects.findLast((object) => covers(object, point));
      if (hit) {
        this.drop();
        return this.page.choose(hit.id);
      }
      const side = this.page.greeting.click_size;
      box = { cx: point.x, cy: point.y, width: side, height: side, theta: 0 };
    }
    this.stage.draft.set(box);
    if (look.when === "once") this.start();
    else this.hint();
  }

  changed() {
    const drawn = Boolean(this.stage?.draft.active && !this.stage.draft.drag);
    $("cancel").hidden = !this.active;
    $("track").hidden = !drawn;
  }

  drop() {
    if (!this.stage) return;
    this.stage.draft.clear();
    this.freeze(false);
    this.changed();
    this.hint();
  }

  async start() {
    const stage = this.stage, { draft, header } = stage;
    if (!draft.active || this.asking) return;
    this.asking = true;
    stage.element.classList.add("asking");
    this.say("starting …");
    const wish = { camera: stage.camera, stamp: header.stamp, box: numbers(draft.box), label: $("label").value, id: this.corrected() };
    const answer = await this.page.connection.ask({ type: "start", ...wish });
    this.asking = false;
    stage.element.classList.remove("asking");
    if (answer.ok) {
      $("label").value = "";
      this.drop();
    } else if (answer.late) this.freeze(false);
    this.say(answer.late ? LATE : answer.message, !answer.ok);
    this.changed();
  }

  // In a clip, a box corrects the chosen target.
  corrected() {
    return this.page.greeting.mode === "clip" ? (this.page.targets.chosen ?? "") : "";
  }

  say(text, wrong = false) {
    $("hint").textContent = text;
    $("hint").classList.toggle("wrong", wrong);
    clearTimeout(this.fading);
    this.fading = setTimeout(() => this.hint(), wrong ? 2 * LONG : LONG);
  }

  hint() {
    const { greeting, targets } = this.page;
    const chosen = greeting?.mode === "clip" && targets?.chosen;
    const usual = chosen ? `A box now corrects ${name(targets, chosen)} from this frame on.` : "Drag a box around an object, or click on a small one.";
    $("hint").classList.remove("wrong");
    $("hint").textContent = !this.stage?.bitmap ? "" : this.stage.draft.active ? "Turn and resize the box, then press Track." : usual;
  }

  showBadge() {
    const { stage } = this;
    if (!stage?.frozen || this.page.greeting.mode === "clip") return;
    stage.badge.hidden = false;
    const left = this.page.greeting.keeps - (performance.now() - this.since) / 1000;
    const kept = this.page.greeting.keeps ? (left > 0 ? `, kept for ${Math.ceil(left)} s` : ", no longer kept") : "";
    stage.badge.textContent = `still picture${kept}`;
  }

  // Returns whether the key was one of the drawing's.
  key(event) {
    const { stage } = this;
    if (!stage?.bitmap) return false;
    if (event.key === "b" || event.key === "B") return this.placeBox();
    if (event.key === " " && this.page.greeting.mode === "live") {
      if (stage.frozen) this.drop();
      else this.freeze(true);
      this.changed();
      return true;
    }
    if (!stage.draft.active) return false;
    if (event.key === "Enter") this.start();
    else return stage.draft.key(event);
    return true;
  }

  placeBox() {
    const { lens, draft } = this.stage, { width, height } = lens.place;
    const middle = lens.toPicture({ x: width / 2, y: height / 2 });
    const side = clamp(Math.min(width, height) / 4 / lens.scale, 8, 1e4);
    this.freeze(true);
    draft.set({ cx: middle.x, cy: middle.y, width: side, height: side, theta: 0 });
    this.hint();
    return true;
  }
}

function covers(object, point) {
  const box = fromNumbers(object.box), { along, across } = inside(box, point);
  return object.state !== "lost" && Math.abs(along) <= box.width / 2 && Math.abs(across) <= box.height / 2;
}

function name(targets, id) {
  return targets.rows.get(id)?.name.textContent ?? `#${id}`;
}
