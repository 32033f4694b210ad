// Token, slate, marker, circle, and the red button. What may be done is decided on the server.

import { set } from "./panel.js";
import { tokenOf } from "./token.js";

const $ = (id) => document.getElementById(id);
const KEY = "understudy-token";
const WORDS = ["project", "scene", "shot", "description", "notes"];

export class Recording {
  // seen: the number of the frame that is in the picture
  constructor(say, seen) {
    this.say = say;
    this.token = tokenOf(KEY);
    this.rights = { record: false, possible: false, said: "" };
    this.take = {};
    this.edited = new Set();
    $("token-form").onsubmit = (event) => {
      event.preventDefault();
      this.token = $("token").value;
      $("token").value = "";
      this.say({ say: "token", token: this.token });
    };
    $("record-form").onsubmit = (event) => {
      event.preventDefault();
      if (!this.take.recording && this.edited.size) this.change();
      this.say({ say: this.take.recording ? "stop" : "start" });
    };
    $("slate-form").onsubmit = (event) => {
      event.preventDefault();
      this.change();
      this.open(false);
    };
    $("slate").onclick = () => this.open($("slate-form").hidden);
    $("mark").onclick = () => this.mark(seen());
    $("circle").onclick = () => this.say({ say: "circle", circled: !this.take.circled });
    document.addEventListener("keydown", (event) => {
      const typing = document.activeElement?.matches("input, textarea");
      if (event.key === "m" && !typing && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey) this.mark(seen());
    });
    $("fewer").onclick = () => this.step(-1);
    $("more").onclick = () => this.step(1);
    for (const word of [...WORDS, "take"]) $(word).oninput = () => this.edited.add(word);
  }

  // The server's word on what this page may do; a new connection starts with none.
  granted(rights) {
    this.rights = rights;
    if (rights.record) sessionStorage.setItem(KEY, this.token);
    else if (rights.said) {
      this.token = "";
      sessionStorage.removeItem(KEY);
    } else if (rights.possible && this.token) this.say({ say: "token", token: this.token });
    $("token-form").hidden = rights.record || !rights.possible;
    $("record-form").hidden = !rights.record;
    if (!rights.record) this.open(false);
    $("watching").hidden = rights.record;
    $("takes").classList.toggle("docked", rights.record);
    set($("watching"), rights.possible ? "Watching. The token unlocks recording." : "Watching only: this monitor has no token.");
    this.complain(rights.said);
  }

  complain(sentence) {
    this.refused = sentence;
    this.show(this.take);
  }

  open(on) {
    $("slate-form").hidden = !on;
    $("slate").ariaExpanded = String(on);
    if (on) this.fill();
  }

  step(by) {
    $("take").value = String(Math.min(99999, Math.max(1, number() + by)));
    this.edited.add("take");
  }

  // Says what was entered; what was not stays the stage's own.
  change() {
    const words = Object.fromEntries(WORDS.filter((word) => this.edited.has(word)).map((word) => [word, $(word).value.trim()]));
    if (this.edited.has("take")) words.take = number();
    this.edited.clear();
    if (Object.keys(words).length) this.say({ say: "slate", ...words });
  }

  mark(sequence) {
    if (this.rights.record && this.take.recording) this.say({ say: "marker", sequence });
  }

  show(take) {
    if (!this.take.recording && take.recording) this.refused = "";
    this.take = take;
    this.fill();
    this.tally();
    const button = $("record");
    button.classList.toggle("running", Boolean(take.recording));
    button.disabled = Boolean(take.busy);
    set(button, take.busy ? "\u2026" : take.recording ? "Stop" : "Record");
    $("mark").disabled = !take.recording;
    $("circle").hidden = !this.rights.record || !take.newest;
    $("circle").ariaPressed = String(Boolean(take.circled));
    const running = take.unsure ? "Nothing is heard of the stage: whether it still records is not known." : take.recording;
    const said = this.refused || (take.recording && !take.failed ? running : take.said) || "";
    set($("said"), said);
    $("said").classList.toggle("failed", Boolean(this.refused || take.failed));
  }

  // What runs, as far as is known: without the monitor, or the stage, that is no more than a guess.
  tally(deaf = false) {
    const { recording, seconds, unsure } = this.take;
    $("tally").hidden = !recording;
    $("tally").classList.toggle("unsure", Boolean(unsure || deaf));
    if (recording) set($("tally"), unsure || deaf ? `REC? ${clock(seconds)}` : `\u25cf REC ${clock(seconds)}`);
  }

  // The stage's slate, but for what is being entered.
  fill() {
    const { slate } = this.take;
    if (!slate) return;
    const said = [slate.project, slate.scene, slate.shot].filter(Boolean).join(" ");
    const next = `${said || "take"} T${String(slate.take).padStart(3, "0")}`;
    set($("slate"), this.take.recording ? nameOf(this.take.recording) : next);
    for (const word of [...WORDS, "take"])
      if (!this.edited.has(word) && $(word).value !== String(slate[word])) $(word).value = String(slate[word]);
  }
}

const number = () => Math.min(99999, Math.max(1, parseInt(document.getElementById("take").value, 10) || 1));
const nameOf = (path) => path.split(/[\\/]/).pop().replace(/\.\w+$/, "");
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
