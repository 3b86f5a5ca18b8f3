// One camera's picture: it is drawn here, and boxes are drawn on it.

import { make, svg } from "./dom.js";
import { Draft } from "./draft.js";
import { Lens } from "./lens.js";
import { paint } from "./paint.js";

export class Stage {
  // heard: {shown(header), begun(), drawn(box, point), changed(), opened()}; look: function that returns what to draw
  constructor(camera, heard, look) {
    this.camera = camera;
    this.heard = heard;
    this.look = look;
    this.lens = new Lens();
    this.bitmap = this.header = null;
    this.frozen = false;
    this.waiting = null; // the header that is to be acknowledged when it is drawn
    this.pointers = new Map();
    this.build();
    this.draft = new Draft(this.layer, this.lens, { begun: () => heard.begun(), drawn: (...all) => heard.drawn(...all), changed: () => heard.changed() });
  }

  build() {
    this.canvas = make("canvas", { tabIndex: 0, "aria-label": "Picture. Drag a box around an object, or press B for a box to move with the arrow keys." });
    this.context = this.canvas.getContext("2d");
    this.layer = svg("svg", { class: "layer", "aria-hidden": "true" });
    this.badge = make("p", { class: "badge", hidden: true });
    this.name = make("p", { class: "tile-name" }, this.camera);
    this.notice = make("div", { class: "notice", hidden: true });
    this.element = make("div", { class: "stage" }, this.canvas, this.layer, this.badge, this.name, this.notice);
    this.layer.addEventListener("pointerdown", (event) => this.press(event));
    this.layer.addEventListener("pointermove", (event) => this.move(event));
    this.layer.addEventListener("pointerup", (event) => this.release(event));
    this.layer.addEventListener("pointercancel", (event) => this.abandon(event));
    this.layer.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
  }

  receive(header, bitmap) {
    if (this.frozen) {
      bitmap.close();
      return this.heard.shown(header);
    }
    this.bitmap?.close();
    if (this.waiting) this.heard.shown(this.waiting);
    const other = !this.header || header.width !== this.header.width || header.height !== this.header.height;
    Object.assign(this, { bitmap, header, waiting: header });
    if (other) this.resize();
    this.paint();
  }

  clear() {
    this.bitmap?.close();
    this.bitmap = this.header = null;
    this.paint();
  }

  resize() {
    const { width, height } = this.header ?? { width: 16, height: 9 };
    this.element.style.setProperty("--aspect", `${width} / ${height}`);
    this.element.style.setProperty("--ratio", width / height);
    const place = this.element.getBoundingClientRect(), ratio = devicePixelRatio || 1;
    this.canvas.width = Math.max(Math.round(place.width * ratio), 1);
    this.canvas.height = Math.max(Math.round(place.height * ratio), 1);
    this.lens.fit({ width: place.width, height: place.height }, { width, height });
    this.lens.zoomAt({ x: place.width / 2, y: place.height / 2 }, 1);
    this.paintNow();
  }

  paint() {
    this.painting ??= requestAnimationFrame(() => this.paintNow());
  }

  paintNow() {
    cancelAnimationFrame(this.painting);
    this.painting = null;
    const { look, chosen } = this.look();
    paint(this.context, this, look, chosen);
    this.draft.draw();
    this.element.dataset.painted = this.header?.stamp ?? "";
    if (this.waiting) this.heard.shown(this.waiting);
    this.waiting = null;
  }

  freeze(on) {
    this.frozen = on;
    this.element.classList.toggle("frozen", on);
  }

  at(event) {
    const place = this.layer.getBoundingClientRect();
    return { x: event.clientX - place.left, y: event.clientY - place.top };
  }

  press(event) {
    if (this.inert) return this.heard.opened();
    if (!this.bitmap || event.button > 1) return;
    document.activeElement?.blur?.(); // keys belong to the picture from now on
    this.layer.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.at(event));
    if (this.pointers.size === 2) return this.pinch();
    if (event.button === 1) this.grasp(this.at(event));
    else if (this.pointers.size === 1) this.draft.press(this.at(event), event.target);
    event.preventDefault();
  }

  move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    this.pointers.set(event.pointerId, this.at(event));
    if (this.pinching) this.pinching();
    else this.draft.move(this.at(event), event);
  }

  release(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.pinching) this.pinching = this.pointers.size ? this.pinching : null;
    else this.draft.release(this.at(event));
  }

  abandon(event) {
    this.pointers.delete(event.pointerId);
    this.pinching = null;
    if (this.draft.drag) this.heard.drawn(null, null);
  }

  // Two fingers enlarge and move the picture; the box that the first one began is dropped.
  pinch() {
    if (this.draft.drag) {
      this.draft.drag = null;
      this.heard.drawn(null, null);
    }
    const look = () => {
      const [a, b] = [...this.pointers.values()];
      return { middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }, apart: Math.hypot(a.x - b.x, a.y - b.y) };
    };
    let before = look();
    this.pinching = () => {
      if (this.pointers.size < 2) return;
      const now = look(), fixed = this.lens.toPicture(before.middle);
      this.lens.zoomAt(before.middle, now.apart / Math.max(before.apart, 1));
      this.lens.hold(fixed, now.middle);
      before = now;
      this.paint();
    };
  }

  // The middle button moves an enlarged picture.
  grasp(from) {
    const fixed = this.lens.toPicture(from);
    this.pinching = () => {
      this.lens.hold(fixed, [...this.pointers.values()][0]);
      this.paint();
    };
  }

  wheel(event) {
    if (this.inert || !this.bitmap) return;
    event.preventDefault();
    this.lens.zoomAt(this.at(event), Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)));
    this.paint();
  }

  // Says in place what is missing; over a picture it is a strip, without one it fills the stage.
  tell(status) {
    const quiet = !status || status.level === "ok";
    this.notice.hidden = quiet;
    this.element.classList.toggle("stale", !quiet);
    if (quiet) return;
    this.notice.dataset.level = status.level;
    this.notice.replaceChildren(make("strong", {}, status.title), make("span", {}, status.text));
    if (status.command) this.notice.append(command(status.command));
  }

  destroy() {
    this.observer.disconnect();
    this.bitmap?.close();
    this.element.remove();
  }
}

// A line to type elsewhere, copied by a click.
function command(text) {
  const button = make("button", { class: "command", type: "button", title: "Copy" }, make("code", {}, text));
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(text).catch(() => {});
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1200);
  });
  return button;
}
