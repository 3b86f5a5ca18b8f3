// Rotated boxes in the picture's pixels: {cx, cy, width, height, theta}. theta turns x towards y, in radians.

export const SMALLEST = 4; // pixels

export function around(a, b) {
  return {
    cx: (a.x + b.x) / 2,
    cy: (a.y + b.y) / 2,
    width: Math.abs(a.x - b.x),
    height: Math.abs(a.y - b.y),
    theta: 0,
  };
}

// From the middle, along and across the box, to the picture.
export function place(box, along, across) {
  const c = Math.cos(box.theta), s = Math.sin(box.theta);
  return { x: box.cx + c * along - s * across, y: box.cy + s * along + c * across };
}

// The inverse: how far along and across the box a point lies from its middle.
export function inside(box, point) {
  const c = Math.cos(box.theta), s = Math.sin(box.theta);
  const x = point.x - box.cx, y = point.y - box.cy;
  return { along: c * x + s * y, across: -s * x + c * y };
}

export function corners(box) {
  const w = box.width / 2, h = box.height / 2;
  return [[-w, -h], [w, -h], [w, h], [-w, h]].map(([along, across]) => place(box, along, across));
}

export const moved = (box, dx, dy) => ({ ...box, cx: box.cx + dx, cy: box.cy + dy });

export function turned(box, angle) {
  const theta = box.theta + angle;
  return { ...box, theta: theta - Math.PI * Math.round(theta / Math.PI) };
}

// The side or corner (x and y of -1, 0 or 1) is drawn to a point; what lies opposite stays.
export function resized(box, x, y, point) {
  const to = inside(box, point);
  const width = x ? Math.max(x * to.along + box.width / 2, SMALLEST) : box.width;
  const height = y ? Math.max(y * to.across + box.height / 2, SMALLEST) : box.height;
  const middle = place(box, (x * (width - box.width)) / 2, (y * (height - box.height)) / 2);
  return { ...box, cx: middle.x, cy: middle.y, width, height };
}

// Larger or smaller around its middle.
export const grown = (box, dx, dy) => ({
  ...box,
  width: Math.max(box.width + dx, SMALLEST),
  height: Math.max(box.height + dy, SMALLEST),
});

export const numbers = (box) => [box.cx, box.cy, box.width, box.height, box.theta];

export const fromNumbers = ([cx, cy, width, height, theta]) => ({ cx, cy, width, height, theta });
