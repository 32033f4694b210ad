// The library page: takes that are found, their pictures, what is noted of them, BVH to take along.

import { tokenOf } from "./token.js";
import { STATE_COLOUR } from "./palette.js";

for (const [state, colour] of Object.entries(STATE_COLOUR))
  document.documentElement.style.setProperty(`--${state.toLowerCase()}`, `rgb(${colour.map((c) => 255 * c)})`);

const $ = (id) => document.getElementById(id);
const KEY = "understudy-token";
const WORDS = ["text", "scene", "shot", "with", "since"];
const TYPED_MS = 200;
const AGAIN_MS = 700;
// New takes and pictures are looked for so often while the page is seen.
const LOOK_MS = 5000;

class Library {
  constructor() {
    this.token = tokenOf(KEY);
    this.may = false;
    this.open = ""; // the take whose notes are being written
    this.shown = "";
    this.asked = 0;
    for (const word of WORDS) $(word).oninput = () => this.soon();
    $("search").onsubmit = (event) => {
      event.preventDefault();
      this.look();
    };
    $("only").onclick = () => {
      $("only").ariaPressed = String($("only").ariaPressed !== "true");
      this.look();
    };
    $("token-form").onsubmit = (event) => {
      event.preventDefault();
      this.token = $("token").value;
      $("token").value = "";
      this.say({ say: "token", token: this.token });
    };
    setInterval(() => document.hidden || this.look(), LOOK_MS);
    this.connect();
    this.look();
  }

  // The live socket is for what is noted; its frames stay unread, so that few are sent.
  connect() {
    const where = new URL("live", location.href);
    where.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    where.search = where.hash = "";
    const socket = (this.socket = new WebSocket(where));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => typeof data === "string" && this.told(JSON.parse(data));
    socket.onclose = () => setTimeout(() => this.connect(), AGAIN_MS);
  }

  say(words) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(words));
    else this.notice("No connection to the monitor: trying again", true);
  }

  told(words) {
    if (words.kind === "rights") {
      this.may = words.record;
      if (words.record) sessionStorage.setItem(KEY, this.token);
      else if (words.said) {
        this.token = "";
        sessionStorage.removeItem(KEY);
      } else if (words.possible && this.token) this.say({ say: "token", token: this.token });
      $("token-form").hidden = words.record || !words.possible;
      if (words.said) this.notice(words.said, true);
      this.shown = "";
      this.look();
    } else if (words.kind === "edited") {
      this.notice(words.refused || "It plays on the stage; the monitor's page has its transport.", Boolean(words.refused));
    } else if (words.kind === "noted") {
      if (words.refused) return this.notice(words.refused, true);
      this.open = "";
      this.shown = "";
      this.look();
    }
  }

  notice(text, failed = false) {
    $("notice").hidden = !text;
    $("notice").textContent = text;
    $("notice").classList.toggle("failed", failed);
  }

  soon() {
    clearTimeout(this.typed);
    this.typed = setTimeout(() => this.look(), TYPED_MS);
  }

  async look() {
    const words = new URLSearchParams(WORDS.map((word) => [word, $(word).value.trim()]).filter(([, said]) => said));
    if ($("only").ariaPressed === "true") words.set("circled", "1");
    const number = ++this.asked;
    try {
      const answer = await fetch(`takes.json?${words}`);
      const text = await answer.text();
      if (number !== this.asked) return; // a later question was asked meanwhile
      if (!answer.ok) return this.notice(text, true);
      if (text !== this.shown && !this.open) this.show(text, [...words].length > 0);
      this.pictures();
    } catch {
      this.notice("No connection to the monitor: trying again", true);
    }
  }

  show(text, narrowed) {
    const told = JSON.parse(text);
    this.shown = text;
    this.folder = told.folder;
    $("where").textContent = told.folder;
    if (told.error) this.notice(`${told.error} The library shows the takes of the monitor's own machine: start it where they are, or give --takes.`, true);
    else if (!told.count) this.notice(narrowed ? "No take fits." : "There are no takes here yet.");
    else this.notice(told.count > told.takes.length ? `${told.count} takes fit; the first ${told.takes.length} are shown.` : `${told.count} of ${told.all} takes`);
    $("takes-list").replaceChildren(...(told.takes ?? []).map((take) => this.row(take)));
  }

  row(take) {
    const slate = take.slate;
    const row = make("li", "take");
    const sheet = make("img", "sheet");
    sheet.alt = "";
    sheet.loading = "lazy";
    sheet.dataset.file = take.file;
    sheet.onerror = () => (sheet.dataset.missing = "1");
    sheet.onload = () => delete sheet.dataset.missing;
    sheet.src = `sheet/${encodeURIComponent(take.file)}`;
    const middle = make("div");
    middle.append(make("p", "title", title(take)), facts(take));
    if (slate.description) middle.append(make("p", "words", slate.description));
    if (slate.notes) middle.append(make("p", "words", slate.notes));
    if (take.error) middle.append(make("p", "wrong", take.error));
    const does = make("div", "does");
    const circle = make("button", "circle", "Circle");
    circle.ariaPressed = String(Boolean(slate.circled));
    circle.disabled = !this.may;
    circle.onclick = () => this.say({ say: "note", file: take.file, circled: !slate.circled });
    const note = make("button", "write", "Notes");
    note.disabled = !this.may;
    note.onclick = () => this.write(row, take);
    const bvh = make("button", "bvh", "BVH");
    bvh.title = "Download as BVH";
    bvh.disabled = !this.may || !take.frames;
    bvh.onclick = () => this.fetch(bvh, take.file);
    const play = make("button", "play", "Play");
    play.title = "On the stage, as a source beside what is there";
    play.disabled = !this.may || !take.frames;
    play.onclick = () => this.say({ say: "add_source", url: `take://${this.folder}/${take.file}`, name: "" });
    does.append(play, circle, note, bvh);
    row.append(sheet, middle, does);
    return row;
  }

  write(row, take) {
    row.querySelector(".noting")?.remove();
    if (this.open === take.file) return (this.open = "");
    this.open = take.file;
    const form = make("form", "noting");
    const words = make("textarea");
    words.maxLength = 4000;
    words.ariaLabel = "notes";
    words.value = take.slate.notes ?? "";
    form.append(words, make("button", "", "Save"));
    form.onsubmit = (event) => {
      event.preventDefault();
      this.say({ say: "note", file: take.file, notes: words.value });
    };
    row.append(form);
    words.focus();
  }

  // The token goes in a header, so that no address has it.
  async fetch(button, file) {
    button.disabled = true;
    button.textContent = "\u2026";
    try {
      const answer = await fetch(`bvh/${encodeURIComponent(file)}`, { headers: { Authorization: `Bearer ${this.token}` } });
      if (!answer.ok) return this.notice(await answer.text(), true);
      const name = /filename\*=UTF-8''(.+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
      const link = make("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = decodeURIComponent(name ?? "take.bvh");
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    } catch {
      this.notice("No connection to the monitor: trying again", true);
    } finally {
      button.disabled = false;
      button.textContent = "BVH";
    }
  }

  // Pictures that were not made yet are asked for again.
  pictures() {
    for (const sheet of document.querySelectorAll(".sheet[data-missing]"))
      sheet.src = `sheet/${encodeURIComponent(sheet.dataset.file)}?${Date.now()}`;
  }
}

function title(take) {
  const { project, scene, shot, take: number } = take.slate;
  const said = [project, scene && `scene ${scene}`, shot && `shot ${shot}`].filter(Boolean).join(", ");
  return said ? `${said}${number ? `, take ${number}` : ""}` : take.file.replace(/\.mcap$/, "");
}

function facts(take) {
  const line = make("p", "facts");
  if (take.recording) return line.append("is being recorded"), line;
  if (!take.frames) return line;
  const when = take.begun_s ? new Date(take.begun_s * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "";
  line.append(make("b", "", clock(take.seconds)), ` \u00b7 ${Object.keys(take.subjects).join(", ") || "nobody"}`);
  if (take.takeover) line.append(" \u00b7 ", make("span", "acted", `takeover ${(100 * take.takeover).toFixed(1)} %`));
  if (take.worst_gap_s) line.append(` \u00b7 worst gap ${take.worst_gap_s.toFixed(2)} s`);
  if (take.markers) line.append(` \u00b7 ${take.markers} marker${take.markers > 1 ? "s" : ""}`);
  if (!take.complete) line.append(" \u00b7 cut off");
  line.append(make("br"), [take.timecode_in, when, title(take) + ".mcap" === take.file ? "" : take.file].filter(Boolean).join(" \u00b7 "));
  return line;
}

const clock = (s) => `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;

function make(tag, kind = "", text = "") {
  const one = document.createElement(tag);
  if (kind) one.className = kind;
  if (text) one.textContent = text;
  return one;
}

window.library = new Library();
