// Sources, and changes to sources and subjects. What may be done is decided on the server and the stage.

import { set } from "./panel.js";

const $ = (id) => document.getElementById(id);
const AXES = ["x", "y", "z", "turn"];
const STEP = { x: 0.25, y: 0.05, z: 0.25, turn: 15 };
// A number that was entered stands for so long before the stage's own is shown again.
const MINE_MS = 2000;
const SURE_MS = 4000;
const SAID_MS = 8000;
const PARTS = ["body", "control", "face"]; // what a subject is made of, in the session's words
const FURTHEST = 1000;

export class Editing {
  constructor(say, panel) {
    this.say = say;
    this.panel = panel;
    this.session = null;
    this.admitted = this.on = false;
    this.placed = 0;
    this.naming = false; // a name is entered that the subject does not have yet
    this.subject = this.to = "";
    $("edit").onclick = () => this.turn(!this.on);
    submit("source-form", () => this.ask({ say: "add_source", url: $("source-url").value.trim(), name: $("source-name").value.trim() }));
    submit("rename-form", () => {
      this.to = $("subject-name").value.trim();
      this.ask({ say: "rename_subject", name: this.subject, to: this.to });
    });
    submit("subject-form", () => this.add());
    $("subject-name").oninput = () => (this.naming = true);
    submit("place-form", () => this.place());
    submit("session-form", () => this.ask({ say: "save_session", path: $("session-path").value.trim() }));
    for (const button of document.querySelectorAll("#resets [data-what]"))
      button.onclick = () => this.ask({ say: "reset_subject", name: this.subject, what: button.dataset.what });
    $("mirror").onclick = () => this.ask({ say: "adjust_subject", name: this.subject, mirror: $("mirror").getAttribute("aria-pressed") !== "true" });
    $("root").onchange = () => this.ask({ say: "adjust_subject", name: this.subject, root: $("root").value });
    sure($("leave"), () => this.ask({ say: "remove_subject", name: this.subject }));
    for (const axis of AXES) {
      for (const [way, sign] of [["less", -1], ["more", 1]]) $(`${axis}-${way}`).onclick = () => this.step(axis, sign);
      $(axis).onchange = () => this.place();
      $(axis).oninput = () => (this.placed = performance.now());
    }
  }

  // The server's word on what this page may do.
  granted(rights) {
    this.admitted = rights.record;
    this.turn(this.on && this.admitted);
  }

  get steers() {
    return this.admitted && Boolean(this.session?.may.includes("steer"));
  }

  turn(on) {
    this.on = on;
    this.show();
  }

  ask(words) {
    clearTimeout(this.fading);
    set($("edited"), "\u2026");
    $("edited").classList.remove("failed");
    this.say(words);
  }

  told(session) {
    this.session = session;
    this.show();
  }

  // What came of a change.
  edited({ op, said, refused }) {
    set($("edited"), refused || said);
    $("edited").classList.toggle("failed", Boolean(refused));
    clearTimeout(this.fading);
    if (refused) return;
    this.fading = setTimeout(() => set($("edited"), ""), SAID_MS);
    if (op === "add_source") $("source-url").value = $("source-name").value = "";
    if (op === "add_subject") for (const id of ["new-name", "new-x", "new-z", "new-turn"]) $(id).value = id === "new-name" ? "" : "0";
    if (op === "rename_subject") this.panel.choose("subject", this.to);
    if (op === "remove_subject") this.panel.choose("everybody", "");
  }

  // Who is chosen may have changed too.
  show() {
    const { session } = this;
    $("edit").hidden = !this.admitted || !session;
    $("edit").setAttribute("aria-pressed", String(this.on));
    const on = this.on && this.steers;
    const may = session?.may.join(", ");
    const lacks = this.on && session && !this.steers;
    $("editing-note").hidden = !this.on || !session;
    set($("editing-note"), lacks
      ? session.trouble || `The monitor's key may ${may}: changes take one that may steer.`
      : "Tap a subject to rename, move or remove it.");
    $("subject-form").hidden = !on;
    if (on) this.streams(session.sources);
    $("sources-section").hidden = !session?.sources.length && !on;
    set($("sources-count"), session?.sources.length ? String(session.sources.length) : "");
    $("source-form").hidden = $("session-section").hidden = !on;
    $("edited").hidden = !this.admitted;
    this.rows(session?.sources ?? [], on);
    const { kind, name } = this.panel.view;
    const subject = on && kind === "subject" ? session.subjects.find((one) => one.name === name) : null;
    $("subject-editor").hidden = !subject;
    if (subject) this.fill(subject);
    if (subject) $("editing-note").hidden = true;
  }

  // What a new subject may be made of. A list that is open under a finger is not made anew.
  streams(sources) {
    const list = $("new-stream");
    const all = sources.flatMap((one) => one.streams.map((stream) => {
      const [kind, ...key] = stream.split("/");
      return { part: kind, stream: [one.name, ...key].join("/") };
    })).filter(({ part }) => PARTS.includes(part));
    const known = JSON.stringify(all);
    if (list.dataset.known === known) return;
    const chosen = list.value;
    list.dataset.known = known;
    list.replaceChildren(...all.map((one) => new Option(`${one.stream}, ${one.part === "control" ? "a pad" : one.part}`, JSON.stringify(one))));
    if (all.some((one) => JSON.stringify(one) === chosen)) list.value = chosen;
  }

  add() {
    const [x, z, turn] = ["new-x", "new-z", "new-turn"].map(number);
    this.ask({ say: "add_subject", name: $("new-name").value.trim(), ...JSON.parse($("new-stream").value), at_m: [x, 0, z], heading_deg: turn });
  }

  fill(subject) {
    const other = subject.name !== this.subject;
    this.subject = subject.name;
    set($("subject-edited"), subject.name);
    if (other) this.naming = false;
    if (!this.naming) $("subject-name").value = subject.name;
    $("t-pose").dataset.what = subject.t_pose ? "off" : "t_pose";
    set($("t-pose"), subject.t_pose ? "T-pose off" : "T-pose");
    $("mirror").setAttribute("aria-pressed", String(subject.mirror));
    if (other || document.activeElement !== $("root")) $("root").value = subject.root;
    if (!other && performance.now() - this.placed < MINE_MS) return;
    const [x, y, z] = subject.at_m;
    for (const [axis, value] of Object.entries({ x, y, z, turn: subject.heading_deg }))
      if (other || document.activeElement !== $(axis)) $(axis).value = plain(value);
  }

  step(axis, sign) {
    $(axis).value = plain(number(axis) + sign * STEP[axis]);
    this.place();
  }

  place() {
    this.placed = performance.now();
    const [x, y, z, turn] = AXES.map(number);
    this.ask({ say: "place_subject", name: this.subject, at_m: [x, y, z], heading_deg: turn });
  }

  rows(sources, on) {
    const list = $("sources");
    while (list.children.length < sources.length) list.append(this.row());
    while (list.children.length > sources.length) list.lastChild.remove();
    sources.forEach((one, i) => {
      const item = list.children[i];
      const [, name, state, more, remove, transport] = item.children;
      item.dataset.name = one.name;
      item.dataset.status = one.status;
      set(name, one.name);
      set(state, [one.status, rate(one), delay(one), one.quality].filter(Boolean).join(" \u00b7 "));
      set(more, [one.reason, one.line !== one.name && one.line].filter(Boolean).join(" \u00b7 "));
      remove.hidden = !on;
      transport.hidden = !one.deck;
      if (one.deck) this.deck(transport, one.deck);
    });
  }

  row() {
    const item = document.createElement("li");
    item.className = "source";
    for (const name of ["chip", "name", "state", "more"]) {
      const part = document.createElement("span");
      part.className = name;
      item.append(part);
    }
    const remove = document.createElement("button");
    remove.textContent = "Remove";
    sure(remove, () => this.ask({ say: "remove_source", name: item.dataset.name }));
    item.append(remove, this.transport(item));
    return item;
  }

  // The buttons of a take that is played.
  transport(item) {
    const box = document.createElement("div");
    box.className = "transport";
    const asks = (words) => this.ask({ say: "transport", source: item.dataset.name, ...words });
    for (const [word, title, does] of [
      ["Play", "Play or stop", () => asks({ play: box.dataset.playing !== "true" })],
      ["\u2039", "A frame back", () => asks({ step: -1 })],
      ["\u203a", "A frame on", () => asks({ step: 1 })],
      ["Next", "The next take of the list", () => asks({ cue: 0 })],
    ]) {
      const button = document.createElement("button");
      button.textContent = word;
      button.title = title;
      button.onclick = does;
      box.append(button);
    }
    const bar = document.createElement("input");
    bar.type = "range";
    bar.min = 0;
    bar.step = "any";
    bar.title = "Where the take stands";
    bar.oninput = () => (bar.dataset.held = String(performance.now()));
    bar.onchange = () => asks({ position_s: Number(bar.value) });
    const where = document.createElement("span");
    where.className = "where";
    box.append(bar, where);
    return box;
  }

  deck(box, deck) {
    const [play, back, , next, bar, where] = box.children;
    back.hidden = bar.hidden = deck.raw; // what is solved once more goes nowhere but on
    box.dataset.playing = String(deck.playing);
    set(play, deck.playing ? "Stop" : "Play");
    next.hidden = deck.takes < 2;
    bar.max = deck.seconds;
    if (performance.now() - Number(bar.dataset.held || -MINE_MS) > MINE_MS) bar.value = deck.position_s;
    set(where, `${deck.position_s.toFixed(1)} of ${deck.seconds.toFixed(1)} s${deck.takes > 1 ? `, take ${deck.cue} of ${deck.takes}` : ""}`);
    for (const part of [...box.children].slice(0, 5)) part.disabled = !this.steers;
  }
}

function submit(id, done) {
  $(id).onsubmit = (event) => {
    event.preventDefault();
    done();
  };
}

// A button that asks back: the second tap does it.
function sure(button, done) {
  const word = button.textContent;
  let timer = 0;
  const calm = () => {
    button.classList.remove("sure");
    button.textContent = word;
    timer = clearTimeout(timer);
  };
  button.onclick = () => {
    if (timer) {
      calm();
      done();
      return;
    }
    button.classList.add("sure");
    button.textContent = "Really?";
    timer = setTimeout(calm, SURE_MS);
  };
}

const number = (axis) => Math.min(FURTHEST, Math.max(-FURTHEST, parseFloat(document.getElementById(axis).value.replace(",", ".")) || 0));
const plain = (value) => String(Math.round(1000 * value) / 1000);
const rate = ({ rate_hz }) => (rate_hz ? `${rate_hz.toFixed(rate_hz < 10 ? 1 : 0)} Hz` : "");
const delay = ({ delay_s }) => (delay_s ? `${Math.round(1000 * delay_s)} ms delay` : "");
