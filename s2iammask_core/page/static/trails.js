// Confidences of the last seconds, by target.

export const SPAN = 30; // seconds
const APART = 0.2; // seconds between two points

export class Trails {
  constructor() {
    this.points = new Map();
  }

  replace(trails) {
    this.points = new Map(Object.entries(trails));
  }

  add(header) {
    const time = Number(header.stamp) / 1e9;
    const known = this.points;
    this.points = new Map();
    for (const { id, confidence } of header.objects) {
      let points = known.get(id) ?? [];
      const last = points.at(-1)?.[0] ?? -Infinity;
      if (time < last) points = [];
      if (time < last || time - last >= APART) points.push([time, confidence]);
      while (points[0]?.[0] < time - SPAN) points.shift();
      this.points.set(id, points);
    }
  }

  of(id) {
    return this.points.get(id) ?? [];
  }
}
