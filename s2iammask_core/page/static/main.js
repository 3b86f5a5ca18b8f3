// Puts the parts together: what comes from the server goes to them, what they ask for goes to the server.

import { Strips } from "./charts.js";
import { keep } from "./colours.js";
import { Connection } from "./connection.js";
import { $, make } from "./dom.js";
import { Downloads } from "./downloads.js";
import { Drawing } from "./drawing.js";
import { showAbout, showEvents } from "./lists.js";
import { apply, buildHelp, buildSettings, look } from "./settings.js";
import { Stage } from "./stage.js";
import { Targets } from "./targets.js";
import { Timeline } from "./timeline.js";
import { Trails } from "./trails.js";

const TILES = "\u0000tiles"; // no camera has this name

class Page {
  constructor() {
    this.stages = new Map();
    this.said = new Map(); // by type and camera: the last message
    this.trails = new Map();
    this.camera = undefined; // the one that is shown; null: all, as tiles
    this.drawing = new Drawing(this);
    this.connection = new Connection({
      text: (message) => this.hear(message),
      picture: (header, bitmap) => this.receive(header, bitmap),
      open: () => this.opened(),
      lost: (reason) => this.lost(reason),
    });
    buildSettings(() => this.restyle());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
    addEventListener("keydown", (event) => this.key(event));
  }

  get stage() {
    return this.stages.get(this.camera);
  }

  saying(type, camera = this.camera) {
    return this.said.get(`${type} ${camera}`);
  }

  opened() {
    this.away = null;
    if (this.greeting) this.watch();
  }

  lost(reason) {
    const again = "It tries again by itself.";
    this.away = reason === "refused"
      ? { level: "error", title: "This address is no longer valid", text: "The page was started anew with another token. Open the address that it printed." }
      : { level: "error", title: "The page has lost its server", text: `Is it still running, and does the network reach it? ${again}` };
    this.showStatus();
  }

  hear(message) {
    this.said.set(`${message.type} ${message.camera}`, message);
    const heard = {
      hello: () => this.greet(message),
      status: () => this.showStatus(),
      trails: () => this.trailsOf(message.camera).replace(message.trails),
      figures: () => message.camera === this.camera && this.showFigures(),
      events: () => message.camera === this.camera && this.showEvents(),
      about: () => showAbout(message.about),
      playback: () => this.timeline?.place(message),
      lanes: () => this.showLanes(message.lanes),
      making: () => this.downloads?.progress(message),
    };
    heard[message.type]?.();
    if (message.type === "trails") this.showTargets();
  }

  trailsOf(camera) {
    if (!this.trails.has(camera)) this.trails.set(camera, new Trails());
    return this.trails.get(camera);
  }

  // Also after the server has come back, perhaps with other cameras.
  greet(hello) {
    const before = this.greeting;
    this.greeting = hello;
    document.title = hello.title ? `${hello.title} · S2iamMask` : "S2iamMask";
    $("title").textContent = hello.title || "S2iamMask";
    if (!before) this.build(hello);
    if (String(before?.cameras) === String(hello.cameras)) return; // a box that is being drawn stays
    for (const [camera, stage] of this.stages) if (!hello.cameras.includes(camera)) stage.destroy(), this.stages.delete(camera);
    for (const camera of hello.cameras) if (!this.stages.has(camera)) this.addStage(camera);
    const tabs = hello.cameras.length > 1 ? [...hello.cameras, TILES] : [];
    $("cameras").replaceChildren(...tabs.map((name) => this.tab(name)));
    if (!this.stages.has(this.camera) && (this.camera !== null || !tabs.length)) this.camera = hello.cameras[0];
    this.show(this.camera);
  }

  build(hello) {
    const clip = hello.mode === "clip";
    document.body.dataset.kind = hello.mode;
    buildHelp(hello.mode);
    this.targets = new Targets({ stop: (ids) => this.stop(ids), choose: (id) => this.choose(id) }, { clip });
    this.strips = new Strips($("charts"), clip ? ["rate", "step"] : ["rate", "latency", "dropped"]);
    if (clip) this.timeline = new Timeline({ move: (action, frame = 0) => this.move(action, frame) }, hello.frame_rate, () => look);
    if (clip) this.downloads = new Downloads(this.connection);
    this.drawing.build();
  }

  addStage(camera) {
    const heard = {
      shown: (header) => this.connection.shown(header),
      begun: () => this.drawing.begun(),
      drawn: (box, point) => this.drawing.drawn(box, point),
      changed: () => this.drawing.changed(),
      opened: () => this.show(camera),
    };
    const stage = new Stage(camera, heard, () => ({ look, chosen: this.targets?.chosen }));
    this.stages.set(camera, stage);
    $("stages").append(stage.element);
  }

  tab(name) {
    const tiles = name === TILES;
    const made = make("button", { class: "tab", "data-camera": name, "aria-pressed": "false" }, tiles ? "All" : name || "camera");
    made.onclick = () => this.show(tiles ? null : name);
    return made;
  }

  show(camera) {
    this.drawing.drop();
    this.camera = camera;
    for (const made of $("cameras").children) made.setAttribute("aria-pressed", made.dataset.camera === (camera ?? TILES));
    document.body.classList.toggle("tiles", camera === null);
    for (const [name, stage] of this.stages) {
      stage.inert = camera === null;
      stage.element.hidden = camera !== null && name !== camera;
    }
    this.watch();
    for (const show of ["showStatus", "showTargets", "showFigures", "showEvents"]) this[show]();
    for (const stage of this.stages.values()) stage.resize();
  }

  watch() {
    const cameras = this.camera === null ? [...this.stages.keys()] : [this.camera];
    const place = $("stages").getBoundingClientRect(), ratio = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round((place.width * ratio) / (this.camera === null ? 2 : 1));
    this.connection.send({ type: "watch", cameras, width: Math.min(Math.max(width, 64), 4096) });
  }

  receive(header, bitmap) {
    const stage = this.stages.get(header.camera);
    if (!stage || stage.element.hidden) return bitmap.close();
    this.trailsOf(header.camera).add(header);
    const first = !stage.latest;
    stage.latest = header;
    stage.receive(header, bitmap);
    if (first) this.drawing.hint();
    keep([...this.stages.values()].flatMap(({ latest }) => latest?.objects.map(({ id }) => id) ?? []));
    if (header.camera !== this.camera) return;
    if (!stage.frozen) this.timeline?.shown(header);
    this.showTargets();
  }

  showTargets() {
    const stage = this.stage;
    this.targets?.show(stage?.latest, stage?.bitmap, this.trailsOf(this.camera), look);
  }

  // A target that has no lane any more cannot be corrected.
  showLanes(lanes) {
    this.timeline?.showLanes(lanes);
    const { chosen } = this.targets ?? {};
    if (chosen && !lanes.some(({ id }) => id === chosen)) this.choose(null);
  }

  showStatus() {
    for (const [camera, stage] of this.stages) stage.tell(this.away ?? this.saying("status", camera));
    const status = this.away ?? this.saying("status", this.camera ?? this.greeting?.cameras[0]);
    const words = { ok: "live", waiting: "waiting", error: "error" };
    $("pill").dataset.level = status?.level ?? "waiting";
    $("pill").textContent = this.away ? "no server" : status?.short || words[status?.level] || "connecting";
  }

  showFigures() {
    const figures = this.saying("figures");
    $("charts-card").hidden = !figures;
    if (figures) this.strips.show(figures.names, figures.points);
  }

  showEvents() {
    showEvents(this.saying("events")?.events);
  }

  restyle() {
    this.strips?.restyle();
    this.showFigures();
    for (const stage of this.stages.values()) stage.paint();
    this.showTargets();
    if (this.timeline) this.timeline.showLanes(this.saying("lanes")?.lanes ?? []);
  }

  choose(id) {
    this.targets.chosen = this.targets.chosen === id ? null : id;
    this.drawing.hint();
    this.stage?.paint();
    this.showTargets();
  }

  async stop(ids) {
    const answer = await this.connection.ask({ type: "stop", camera: this.camera, ids });
    this.drawing.say(answer.message, !answer.ok);
  }

  async move(action, frame) {
    const answer = await this.connection.ask({ type: "transport", action, frame });
    if (!answer.ok) this.drawing.say(answer.message, true);
  }

  key(event) {
    const typing = event.target.matches("input:not([type=range], [type=radio], [type=checkbox])") || document.querySelector("dialog[open]");
    if (event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape" && this.drawing.active) return this.drawing.drop();
    if (typing) return;
    const onButton = event.target.matches("button") && [" ", "Enter"].includes(event.key);
    if (onButton) return;
    if (this.drawing.key(event) || this.chooseByKey(event) || this.timeline?.key(event)) event.preventDefault();
  }

  chooseByKey(event) {
    const id = this.targets?.ids()[Number(event.key) - 1];
    if (event.key === "?") $("help").showModal();
    else if (event.key === "0" && this.stage) this.stage.lens.reset(), this.stage.paint();
    else if (event.key === "Delete" && this.targets?.chosen) this.stop([this.targets.chosen]);
    else if (event.key !== " " && id) this.choose(id);
    else return false;
    return true;
  }
}

if (location.search) history.replaceState(null, "", location.pathname); // the token need not stay in sight
apply();
new Page();
