// Charts by uPlot: strips of the last minutes, and small lines of confidence.

/* global uPlot */

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const STRIPS = {
  rate: { title: "Pictures tracked", unit: "/s", series: [["rate", "--line-1"]] },
  latency: { title: "Latency", unit: "ms", series: [["p50", "--line-1"], ["p95", "--line-2"]] },
  step: { title: "Time of a step", unit: "ms", series: [["p50", "--line-1"], ["p95", "--line-2"]] },
  dropped: { title: "Pictures dropped", unit: "/s", series: [["dropped", "--line-3"]] },
};
const SPAN = 120; // seconds
const HEIGHT = 58;

export class Strips {
  constructor(place, kinds) {
    this.strips = kinds.map((kind) => new Strip(place, STRIPS[kind]));
  }

  // names: of the columns behind the time; points: [[time, ...columns], ...]
  show(names, points) {
    for (const strip of this.strips) strip.show(names, points);
  }

  restyle() {
    for (const strip of this.strips) strip.build();
  }
}

class Strip {
  constructor(place, { title, unit, series }) {
    Object.assign(this, { unit, series, range: [0, SPAN] });
    this.value = document.createElement("output");
    this.plotPlace = document.createElement("div");
    this.plotPlace.className = "plot";
    const head = document.createElement("p");
    head.className = "strip-head";
    head.append(title, this.value);
    this.element = document.createElement("div");
    this.element.className = "strip";
    this.element.append(head, this.plotPlace);
    place.append(this.element);
    this.data = [[], ...series.map(() => [])];
    this.build();
    new ResizeObserver(() => this.plot?.setSize({ width: this.plotPlace.clientWidth || 1, height: HEIGHT })).observe(this.plotPlace);
  }

  build() {
    this.plot?.destroy();
    const quiet = token("--muted"), lines = token("--line");
    const axis = { stroke: quiet, font: "10px system-ui, sans-serif", grid: { stroke: lines, width: 1 }, ticks: { show: false } };
    this.plot = new uPlot({
      width: this.plotPlace.clientWidth || 280,
      height: HEIGHT,
      cursor: { show: false },
      legend: { show: false },
      padding: [6, 2, 5, 0],
      scales: { x: { time: false, range: () => this.range }, y: { range: (_, low, high) => [0, Math.max(high * 1.15, 1)] } },
      axes: [{ show: false }, { ...axis, size: 34, gap: 4, splits: (_, __, low, high) => [0, nice(high) / 2, nice(high)] }],
      series: [{}, ...this.series.map(([, colour], i) => ({ stroke: token(colour), width: 1.6, fill: i ? undefined : `${token(colour)}22`, points: { show: false } }))],
    }, this.data, this.plotPlace);
  }

  show(names, points) {
    const columns = this.series.map(([name]) => names.indexOf(name) + 1);
    this.element.hidden = columns.includes(0);
    const last = points.at(-1);
    if (!last) return;
    this.range = [last[0] - SPAN, last[0]];
    this.data = [points.map((point) => point[0]), ...columns.map((column) => points.map((point) => point[column]))];
    this.plot.setData(this.data);
    this.value.replaceChildren(...this.series.flatMap(([name], i) => this.figure(name, last[columns[i]])));
  }

  figure(name, value) {
    const text = document.createElement("b");
    text.textContent = value === null ? "–" : value >= 100 ? Math.round(value) : value.toFixed(1);
    return [...(this.series.length > 1 ? [`${name} `] : []), text, ` ${this.unit} `];
  }
}

// The largest number of one digit that is not above the value.
function nice(value) {
  const size = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)));
  return Math.floor(value / size) * size;
}

export class Sparkline {
  constructor(place, seconds) {
    this.place = place;
    this.seconds = seconds;
    this.colour = "";
    this.data = [[], []];
  }

  show(points, colour) {
    const end = points.at(-1)?.[0] ?? 0;
    this.range = [end - this.seconds, end];
    this.data = [points.map(([time]) => time), points.map(([, confidence]) => confidence)];
    if (colour !== this.colour) this.build(colour);
    else this.plot.setData(this.data);
  }

  build(colour) {
    this.plot?.destroy();
    this.colour = colour;
    this.plot = new uPlot({
      width: this.place.clientWidth || 84,
      height: 26,
      cursor: { show: false },
      legend: { show: false },
      padding: [2, 1, 2, 1],
      scales: { x: { time: false, range: () => this.range }, y: { range: () => [0, 1] } },
      axes: [{ show: false }, { show: false }],
      series: [{}, { stroke: colour, fill: `${colour}2e`, width: 1.5, points: { show: false } }],
    }, this.data, this.place);
  }
}
