// Files of a clip's result: the server makes them, the browser saves them.

import { $, make } from "./dom.js";

const FILES = { overlay: "Overlay video", masks: "Masks", boxes: "Boxes (CSV)" };

export class Downloads {
  constructor(connection) {
    this.connection = connection;
    this.buttons = Object.fromEntries(Object.entries(FILES).map(([what, text]) => [what, make("button", { "data-what": what }, text)]));
    for (const [what, made] of Object.entries(this.buttons)) made.onclick = () => this.make(what, made);
    this.said = make("p", { class: "muted", "aria-live": "polite" });
    $("downloads").append(make("div", { class: "buttons" }, ...Object.values(this.buttons)), this.said);
    $("downloads-card").hidden = false;
  }

  async make(what, made) {
    made.disabled = true;
    const answer = await this.connection.ask({ type: "download", what });
    made.disabled = false;
    this.said.textContent = answer.message;
    if (answer.ok) make("a", { href: `files/${encodeURIComponent(answer.file)}`, download: answer.file }).click();
  }

  progress({ frame, count }) {
    this.said.textContent = `frame ${frame} of ${count}`;
  }
}
