// The box that is being drawn: pointers, handles and keys change it.

import { svg } from "./dom.js";
import { around, corners, grown, inside, moved, place, resized, SMALLEST, turned } from "./geometry.js";

const SLIP = 5; // CSS pixels; a shorter drag is a click
const STEM = 26; // CSS pixels from the box to the handle that turns it
const SIDES = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];

export class Draft {
  // heard: {begun(), drawn(box), changed()}
  constructor(layer, lens, heard) {
    this.layer = layer;
    this.lens = lens;
    this.heard = heard;
    this.box = null;
    this.drag = null; // what a pointer does: (point, event) => void
    this.shape = this.build();
  }

  build() {
    const shape = {
      shade: svg("path", { class: "shade", "fill-rule": "evenodd" }),
      edge: svg("polygon", { class: "edge" }),
      stem: svg("line", { class: "stem" }),
      handles: SIDES.map(([x, y]) => handle(`${x},${y}`)),
      turn: handle("turn"),
    };
    shape.group = svg("g", { class: "draft", visibility: "hidden" }, shape.shade, shape.edge, shape.stem, ...shape.handles, shape.turn);
    this.layer.append(shape.group);
    return shape;
  }

  get active() {
    return this.box !== null;
  }

  set(box) {
    this.box = box;
    this.draw();
    this.heard.changed();
  }

  clear() {
    this.drag = null;
    this.shape.group.classList.remove("new");
    this.set(null);
  }

  // Returns whether the pointer takes hold of anything.
  press(screen, target) {
    const start = this.lens.toPicture(screen);
    const grip = target?.closest?.("[data-grip]")?.dataset.grip;
    if (this.box && grip) this.drag = this.holding(grip);
    else if (this.box && this.covers(start)) this.drag = this.moving(start);
    else this.drag = this.drawing(screen, start);
    return true;
  }

  covers(point) {
    const { along, across } = inside(this.box, point);
    return Math.abs(along) <= this.box.width / 2 && Math.abs(across) <= this.box.height / 2;
  }

  move(screen, event) {
    this.drag?.move(this.lens.toPicture(screen), screen, event);
  }

  release(screen) {
    const drag = this.drag;
    this.drag = null;
    drag?.end?.(this.lens.toPicture(screen), screen);
    if (drag) this.heard.changed();
  }

  drawing(from, start) {
    this.heard.begun();
    this.set(null);
    this.shape.group.classList.add("new");
    const far = (screen) => Math.hypot(screen.x - from.x, screen.y - from.y) >= SLIP;
    return {
      move: (point, screen) => far(screen) && this.set(around(start, point)),
      end: (point, screen) => {
        const box = around(start, point);
        this.shape.group.classList.remove("new");
        this.heard.drawn(far(screen) && Math.min(box.width, box.height) >= SMALLEST ? box : null, point);
      },
    };
  }

  moving(start) {
    const box = this.box;
    return { move: (point) => this.set(moved(box, point.x - start.x, point.y - start.y)) };
  }

  holding(grip) {
    const box = this.box;
    if (grip !== "turn") {
      const [x, y] = grip.split(",").map(Number);
      return { move: (point) => this.set(resized(box, x, y, point)) };
    }
    return {
      move: (point, screen, event) => {
        const angle = Math.atan2(point.y - box.cy, point.x - box.cx) + Math.PI / 2;
        const step = Math.PI / 12;
        this.set(turned({ ...box, theta: 0 }, event.shiftKey ? Math.round(angle / step) * step : angle));
      },
    };
  }

  // Arrows move, with Shift they resize; [ and ] turn. Returns whether the key was one of these.
  key(event) {
    const far = (event.altKey ? 1 : 4) / Math.max(this.lens.scale, 0.25);
    const ways = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
    const turns = { "[": -Math.PI / 60, "]": Math.PI / 60 };
    if (event.key in ways) this.set((event.shiftKey ? grown : moved)(this.box, ...ways[event.key]));
    else if (event.key in turns) this.set(turned(this.box, turns[event.key]));
    else return false;
    return true;
  }

  draw() {
    const { group, shade, edge, stem, handles, turn } = this.shape;
    group.setAttribute("visibility", this.box ? "visible" : "hidden");
    if (!this.box) return;
    const points = corners(this.box).map((corner) => this.lens.toScreen(corner));
    const text = points.map(({ x, y }) => `${x},${y}`).join(" ");
    edge.setAttribute("points", text);
    shade.setAttribute("d", `M0 0H${this.lens.place.width}V${this.lens.place.height}H0Z M${text.replaceAll(" ", "L")}Z`);
    handles.forEach((each, i) => put(each, this.onBox(...SIDES[i])));
    const top = this.onBox(0, -1), end = this.turner();
    for (const [name, value] of Object.entries({ x1: top.x, y1: top.y, x2: end.x, y2: end.y })) stem.setAttribute(name, value);
    put(turn, end);
  }

  onBox(x, y, further = 0) {
    return this.lens.toScreen(place(this.box, (x * this.box.width) / 2, (y * this.box.height) / 2 + y * further));
  }

  // Above the box, or below it where there is no room.
  turner() {
    const above = this.onBox(0, -1, STEM / this.lens.scale);
    return above.y > 8 ? above : this.onBox(0, 1, STEM / this.lens.scale);
  }
}

// A small mark with room for a finger around it.
function handle(grip) {
  return svg("g", { "data-grip": grip, class: grip === "turn" ? "grip turn" : "grip" },
    svg("circle", { r: 20, class: "finger" }), svg("circle", { r: grip === "turn" ? 7 : 5, class: "dot" }));
}

const put = (element, { x, y }) => element.setAttribute("transform", `translate(${x} ${y})`);
