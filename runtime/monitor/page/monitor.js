// The page: a live socket in, a picture, a clock, lists and a record button out.

import * as blocks from "./blocks.js";
import * as marks from "./marks.js";
import { STATE_COLOUR } from "./palette.js";
import { Editing } from "./editing.js";
import { Labels } from "./labels.js";
import { Orbit } from "./orbit.js";
import { Panel, set, STATE_WORD, trust } from "./panel.js";
import { Recording } from "./recording.js";
import { Scene } from "./scene.js";
import { Wardrobe } from "./wardrobe.js";

for (const [state, colour] of Object.entries(STATE_COLOUR))
  document.documentElement.style.setProperty(`--${state.toLowerCase()}`, `rgb(${colour.map((c) => 255 * c)})`);

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 700;
// The server speaks twice a second at least, as long as this page answers.
const DEAF_MS = 4000;
const LISTS_MS = 100;
const SLOW_MS = 45;
const CRAWLING_MS = 120;
const JUDGED = 5;

class Monitor {
  constructor() {
    this.frame = { subjects: [], cameras: [], props: [] };
    this.link = {};
    this.waiting = null; // the newest frame that has not been drawn
    this.heard = this.drawn = this.listed = this.turned = performance.now();
    this.turns = []; // how long the page took to come round after a picture
    this.panel = new Panel((kind) => {
      if (kind !== "camera") this.orbit?.reset();
      this.editing?.show();
    });
    this.recording = new Recording((words) => this.say(words), () => this.frame.sequence);
    this.editing = new Editing((words) => this.say(words), this.panel);
    this.labels = new Labels($("labels"));
    try {
      this.scene = new Scene($("canvas"));
      this.orbit = new Orbit($("canvas"));
      this.wardrobe = new Wardrobe((key, mesh) => {
        this.scene.dress(key, mesh);
        this.orbit.changed = true;
      });
    } catch (error) {
      this.trouble = String(error.message ?? error);
    }
    new ResizeObserver(() => this.orbit && (this.orbit.changed = true)).observe($("canvas"));
    document.addEventListener("visibilitychange", () => (this.heard = performance.now()));
    setInterval(() => this.listen(), 500);
    this.connect();
    requestAnimationFrame((now) => this.turn(now));
  }

  connect() {
    const where = new URL("live", location.href);
    where.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    where.search = where.hash = "";
    const socket = new WebSocket(where);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heard = performance.now();
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return;
      this.heard = performance.now();
      if (typeof data === "string") this.told(JSON.parse(data));
      else this.waiting = data; // one that waited is never drawn: newest only
    };
    socket.onclose = () => {
      if (socket !== this.socket) return;
      this.lost();
      setTimeout(() => this.connect(), AGAIN_MS);
    };
  }

  // Gives up a connection that has gone quiet without saying so.
  listen() {
    if (document.hidden || performance.now() - this.heard < DEAF_MS) return;
    const socket = this.socket;
    this.heard = performance.now();
    this.socket = null;
    socket.close();
    this.lost();
    this.connect();
  }

  lost() {
    this.waiting = null; // drawn later, it would take the notice away
    document.body.dataset.link = "none";
    set($("stage"), "no monitor");
    this.recording.tally(true);
    this.notice("No connection to the monitor: trying again");
  }

  say(words) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(words));
  }

  told(words) {
    if (words.kind === "rights") {
      this.recording.granted(words);
      this.editing.granted(words);
    } else if (words.kind === "session") this.editing.told(words);
    else if (words.kind === "edited") this.editing.edited(words);
    else if (words.kind === "refused") this.recording.complain(words.said);
    else if (words.kind === "link") this.link = words;
  }

  // Once for every picture of the screen.
  turn(now) {
    const passed_ms = now - this.turned;
    this.turned = now;
    if (this.drew) this.spare(passed_ms, this.frame.subjects.length);
    const data = this.waiting;
    this.waiting = null;
    if (data) this.take(blocks.frame(data), now);
    this.drew = Boolean(this.orbit && (data || this.orbit.changed));
    if (this.drew) this.draw(now);
    if (data) this.say({ say: "shown", n: this.frame.n });
    requestAnimationFrame((next) => this.turn(next));
  }

  take(frame, now) {
    const { notice } = frame;
    if (!frame.subjects) frame = { ...this.frame, ...frame }; // silence: what was there stays, greyed
    this.frame = frame;
    document.body.dataset.link = notice ? "silent" : "stage";
    set($("clock"), frame.timecode ?? "--:--:--:--");
    set($("rate"), frame.timecode_rate ? `timecode ${frame.timecode_rate}` : "");
    set($("stage"), notice ? "no stage" : `stage ${(frame.figures?.rate_hz ?? 0).toFixed(1)} Hz`);
    this.notice(notice || this.trouble || "");
    if (frame.take) this.recording.show(frame.take);
    if (now - this.listed > LISTS_MS) {
      this.listed = now;
      this.panel.show(frame);
      this.panel.figures(frame, this.link);
    }
  }

  notice(text) {
    $("notice").hidden = !text;
    set($("notice"), text);
  }

  draw(now) {
    const passed_ms = Math.min(250, now - this.drawn);
    this.drawn = now;
    const { frame, orbit, scene, panel } = this;
    const people = frame.subjects.filter((one) => one.sound);
    const chosen = panel.view.kind === "subject" ? people.filter((one) => one.name === panel.view.name) : people;
    orbit.changed = false;
    orbit.follow((chosen.length ? chosen : people).flatMap(corners), passed_ms / 1000);
    const through = panel.view.kind === "camera" && frame.cameras.find((one) => one.name === panel.view.name);
    const view = orbit.view(through);
    for (const subject of people) {
      const skeleton = this.wardrobe.skeleton(subject.skeleton);
      if (skeleton && !scene.dressed(subject.skeleton)) marks.bones(scene, subject, skeleton);
    }
    for (const camera of frame.cameras) if (camera !== through) marks.frustum(scene, camera);
    for (const prop of frame.props) marks.box(scene, prop);
    scene.draw(people.map((one) => ({ key: one.skeleton, positions: one.positions, rotations: one.rotations, veil: marks.VEIL[one.state] })), view);
    this.labels.show(this.names(people, frame, through), orbit.projector(view));
  }

  names(people, { cameras, props }, through) {
    const over = people.map((one) => {
      const word = one.state === "LIVE" ? "" : STATE_WORD[one.state];
      return { text: [one.name, word, trust(one)].filter(Boolean).join(" "), state: one.state, point: crown(one), thing: false };
    });
    const things = [...cameras.filter((one) => one !== through), ...props];
    return [...over, ...things.map((one) => ({ text: one.name, state: one.state, point: one.position, thing: true }))];
  }

  // A machine that comes round slowly draws less: fewer pixels, no shadows, at last bones for bodies.
  // Judged by the median, so that a hitch is none.
  spare(passed_ms, people) {
    this.turns.push(passed_ms);
    if (this.turns.length < JUDGED) return;
    const slow_ms = this.turns.sort((a, b) => a - b)[JUDGED >> 1];
    this.turns = [];
    const { level } = this.scene;
    if (level < 3 ? slow_ms > SLOW_MS : level === 3 && people > 4 && slow_ms > CRAWLING_MS) this.scene.level = level + 1;
  }

  // For tests and the curious: where a joint is, in metres.
  joint(name, j) {
    const subject = this.frame.subjects.find((one) => one.name === name);
    return subject?.sound ? marks.jointAt(subject, j) : null;
  }
}

function corners(subject) {
  const low = [Infinity, Infinity, Infinity];
  const high = low.map((x) => -x);
  for (let i = 0; i < subject.positions.length; i++) {
    low[i % 3] = Math.min(low[i % 3], subject.positions[i]);
    high[i % 3] = Math.max(high[i % 3], subject.positions[i]);
  }
  return [low, high];
}

// Over the highest joint.
function crown(subject) {
  let top = 0;
  for (let j = 1; j < subject.joints; j++) if (subject.positions[3 * j + 1] > subject.positions[3 * top + 1]) top = j;
  const [x, y, z] = marks.jointAt(subject, top);
  return [x, y + 0.28, z];
}

window.understudy = new Monitor();
