// Token, slate, take, and the red button. What may be done is decided on the server.

import { set } from "./panel.js";
import { tokenOf } from "./token.js";

const $ = (id) => document.getElementById(id);
const KEY = "understudy-token";

export class Recording {
  constructor(say) {
    this.say = say;
    this.token = tokenOf(KEY);
    this.rights = { record: false, possible: false, said: "" };
    this.take = {};
    $("token-form").onsubmit = (event) => {
      event.preventDefault();
      this.token = $("token").value;
      $("token").value = "";
      this.say({ say: "token", token: this.token });
    };
    $("record-form").onsubmit = (event) => {
      event.preventDefault();
      if (this.take.recording) this.say({ say: "stop" });
      else this.say({ say: "start", slate: $("slate").value, take: number() });
    };
    $("fewer").onclick = () => ($("take").value = String(Math.max(1, number() - 1)));
    $("more").onclick = () => ($("take").value = String(Math.min(9999, number() + 1)));
    for (const id of ["slate", "take"]) $(id).oninput = () => (this.edited = true);
    for (const id of ["fewer", "more"]) $(id).addEventListener("click", () => (this.edited = true));
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
    $("watching").hidden = rights.record;
    $("takes").classList.toggle("docked", rights.record);
    set($("watching"), rights.possible ? "Watching. The token unlocks recording." : "Watching only: this monitor has no token.");
    this.complain(rights.said);
  }

  complain(sentence) {
    this.refused = sentence;
    this.show(this.take);
  }

  show(take) {
    const began = !this.take.recording && take.recording;
    if (took(this.take) !== took(take) && !this.edited) this.fill(take);
    if (began) this.edited = this.refused = "";
    this.take = take;
    this.tally();
    const button = $("record");
    button.classList.toggle("running", Boolean(take.recording));
    button.disabled = Boolean(take.busy);
    set(button, take.busy ? "…" : take.recording ? "Stop" : "Record");
    for (const id of ["slate", "take", "fewer", "more"]) $(id).disabled = Boolean(take.recording || take.busy);
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
    if (recording) set($("tally"), unsure || deaf ? `REC? ${clock(seconds)}` : `● REC ${clock(seconds)}`);
  }

  fill(take) {
    if (take.slate !== undefined) $("slate").value = take.slate;
    if (take.take !== undefined) $("take").value = String(take.take);
  }
}

const took = (take) => `${take.slate} ${take.take}`;
const number = () => Math.min(9999, Math.max(1, parseInt(document.getElementById("take").value, 10) || 1));
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
