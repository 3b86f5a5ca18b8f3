// The WebSocket: it comes back by itself, requests have answers, pictures are decoded beside the page's thread.

const FIRST_WAIT = 400; // ms before the first try to come back
const LONGEST_WAIT = 5000;

export class Connection {
  // heard: {text(message), picture(header, bitmap), open(), lost(reason)}
  constructor(heard) {
    this.heard = heard;
    this.requests = new Map();
    this.number = 0;
    this.wait = FIRST_WAIT;
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}/ws`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.wait = FIRST_WAIT;
      this.heard.open();
    };
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.hearText(data) : this.hearPicture(data));
    this.socket.onclose = () => this.lost();
  }

  hearText(data) {
    const message = JSON.parse(data);
    if (message.type !== "answer") return this.heard.text(message);
    this.requests.get(message.request)?.(message);
    this.requests.delete(message.request);
  }

  // A picture that cannot be decoded counts as seen: the next one may be better.
  async hearPicture(data) {
    const length = new DataView(data).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    const jpeg = new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" });
    const bitmap = await createImageBitmap(jpeg).catch(() => null);
    if (bitmap) this.heard.picture(header, bitmap);
    else this.shown(header);
  }

  async lost() {
    for (const answer of this.requests.values()) answer({ ok: false, message: "the page lost its server" });
    this.requests.clear();
    const refused = await fetch("/", { method: "HEAD", cache: "no-store" }).then((answer) => answer.status, () => 0);
    this.heard.lost(refused === 401 || refused === 403 ? "refused" : "gone");
    setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 1.6, LONGEST_WAIT);
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  // Resolves with the answer: {ok, message, ids, file, late}.
  ask(message) {
    if (this.socket.readyState !== WebSocket.OPEN) return Promise.resolve({ ok: false, message: "the page has no server" });
    const request = ++this.number;
    return new Promise((answer) => {
      this.requests.set(request, answer);
      this.send({ ...message, request });
    });
  }

  shown(header) {
    this.send({ type: "shown", camera: header.camera, number: header.number });
  }
}
