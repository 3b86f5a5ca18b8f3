// One colour for each target, the same while it lives and far from the others'.

const PALETTES = {
  bright: ["#ff4fa3", "#3fd46f", "#4aa8ff", "#ffb224", "#b07cff", "#26d0ce", "#ff6f4e", "#c6d92b"],
  safe: ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#bbbbbb"], // Okabe and Ito
};
const given = new Map(); // by id: place in the palette
const LONGEST = 500; // ids that are remembered

export function colourOf(id, palette) {
  const colours = PALETTES[palette] ?? PALETTES.bright;
  return colours[placeOf(id) % colours.length];
}

function placeOf(id) {
  if (!given.has(id)) {
    if (given.size > LONGEST) given.clear();
    const used = new Set(given.values());
    let place = firstPlace(id);
    for (let tries = 0; tries < 8 && used.has(place); tries++) place = (place + 3) % 8;
    given.set(id, place);
  }
  return given.get(id);
}

function firstPlace(id) {
  if (/^\d+$/.test(id)) return (Number(id) + 7) % 8;
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 8;
  return sum;
}

// Called with all ids that live now: the colours of others are free again.
export function keep(ids) {
  const alive = new Set(ids);
  for (const id of given.keys()) if (!alive.has(id)) given.delete(id);
}
