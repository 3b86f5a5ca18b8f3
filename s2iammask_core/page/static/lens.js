// How a picture lies on the screen: fitted into its place, and enlarged where one looks closer.

import { clamp } from "./dom.js";

const CLOSEST = 12;

export class Lens {
  constructor() {
    this.zoom = 1;
    this.middle = { x: 0.5, y: 0.5 }; // of what is seen, in parts of the picture
    this.place = { width: 1, height: 1 }; // CSS pixels
    this.picture = { width: 1, height: 1 };
  }

  fit(place, picture) {
    this.place = place;
    this.picture = picture;
  }

  get scale() {
    return this.zoom * Math.min(this.place.width / this.picture.width, this.place.height / this.picture.height);
  }

  get origin() {
    return {
      x: this.place.width / 2 - this.middle.x * this.picture.width * this.scale,
      y: this.place.height / 2 - this.middle.y * this.picture.height * this.scale,
    };
  }

  toScreen(point) {
    return { x: this.origin.x + point.x * this.scale, y: this.origin.y + point.y * this.scale };
  }

  toPicture(point) {
    return { x: (point.x - this.origin.x) / this.scale, y: (point.y - this.origin.y) / this.scale };
  }

  // Enlarges by a factor; what is at `point` on the screen stays there.
  zoomAt(point, factor) {
    const fixed = this.toPicture(point);
    this.zoom = clamp(this.zoom * factor, 1, CLOSEST);
    this.hold(fixed, point);
  }

  // Moves so that a point of the picture lies at a point of the screen, as far as the picture reaches.
  hold(fixed, point) {
    for (const [axis, side] of [["x", "width"], ["y", "height"]]) {
      const seen = this.place[side] / (this.picture[side] * this.scale);
      const wished = (fixed[axis] - (point[axis] - this.place[side] / 2) / this.scale) / this.picture[side];
      this.middle[axis] = seen >= 1 ? 0.5 : clamp(wished, seen / 2, 1 - seen / 2);
    }
  }

  reset() {
    this.zoom = 1;
    this.middle = { x: 0.5, y: 0.5 };
  }
}
