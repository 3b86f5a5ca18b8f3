// Draws a picture, the masks, boxes and names of what was tracked in it.

import { colourOf } from "./colours.js";
import { corners, fromNumbers } from "./geometry.js";

const LONGEST = 24; // characters of a name in the picture; the list has all of it
const LOST = "#a7adb8";
const FONT = "600 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

// view: {bitmap, header, lens}; look: see settings.js; chosen: id that is emphasised
export function paint(context, view, look, chosen) {
  const ratio = devicePixelRatio || 1;
  const { canvas } = context;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!view.bitmap) return;
  const { lens, header } = view;
  const { x, y } = lens.origin;
  context.setTransform(ratio * lens.scale, 0, 0, ratio * lens.scale, ratio * x, ratio * y);
  context.imageSmoothingEnabled = lens.scale * header.width < 4 * view.bitmap.width;
  context.drawImage(view.bitmap, 0, 0, header.width, header.height);
  for (const object of header.objects) paintMask(context, object, look, 1 / lens.scale);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const object of header.objects) paintBox(context, lens, object, look, object.id === chosen);
  if (look.names) paintNames(context, lens, header.objects, look);
}

function outline(object) {
  const path = new Path2D();
  for (const points of object.outlines) {
    for (let i = 0; i < points.length; i += 2) {
      const x = points[i] + 0.5, y = points[i + 1] + 0.5;
      if (i === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    }
    path.closePath();
  }
  return path;
}

// An outline runs through the middles of the mask's pixels at its edge, so a line of one pixel completes it.
function paintMask(context, object, look, pixel) {
  if (!object.outlines.length) return;
  const path = outline(object);
  context.globalAlpha = look.opacity;
  context.fillStyle = context.strokeStyle = colourOf(object.id, look.palette);
  context.fill(path, "evenodd");
  context.lineJoin = "round";
  context.globalAlpha = Math.min(1, look.opacity + 0.45);
  context.lineWidth = Math.max(1, 1.6 * pixel);
  context.stroke(path);
  context.globalAlpha = 1;
}

function paintBox(context, lens, object, look, chosen) {
  if (!look.boxes && object.state !== "lost") return;
  const points = corners(fromNumbers(object.box)).map((corner) => lens.toScreen(corner));
  context.setLineDash(object.state === "tracking" ? [] : [7, 5]);
  for (const [width, colour] of [[chosen ? 6 : 4, "rgb(0 0 0 / 45%)"], [chosen ? 3 : 2, colourFor(object, look)]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    points.forEach(({ x, y }, i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.stroke();
  }
  context.setLineDash([]);
}

const colourFor = (object, look) => (object.state === "lost" ? LOST : colourOf(object.id, look.palette));

const short = (label) => (label.length > LONGEST ? `${label.slice(0, LONGEST - 1)}…` : label);

function paintNames(context, lens, objects, look) {
  context.font = FONT;
  context.textBaseline = "middle";
  for (const object of objects) {
    const text = `${short(object.label) || `#${object.id}`}  ${object.state === "lost" ? "lost" : `${Math.round(100 * object.confidence)} %`}`;
    const points = corners(fromNumbers(object.box)).map((corner) => lens.toScreen(corner));
    const width = context.measureText(text).width + 14, height = 20;
    const left = Math.min(Math.max(Math.min(...points.map(({ x }) => x)), 2), lens.place.width - width - 2);
    const top = Math.max(Math.min(...points.map(({ y }) => y)) - height - 5, 2);
    context.fillStyle = colourFor(object, look);
    context.beginPath();
    context.roundRect(left, top, width, height, 5);
    context.fill();
    context.fillStyle = "#10131a";
    context.fillText(text, left + 7, top + height / 2 + 0.5);
  }
}
