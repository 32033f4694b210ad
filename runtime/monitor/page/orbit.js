// The eye: goes round what it follows, by touch or mouse, or looks through a camera of the stage.

import { lookAt, perspective, projected, multiply, rotate, seenBy, subtract } from "./maths.js";

const FOV = (36 * Math.PI) / 180;
const FOLLOW_S = 0.35;
const CUT_M = 1;

export class Orbit {
  constructor(canvas) {
    this.canvas = canvas;
    this.target = [0, 0.95, 0];
    this.yaw = 0.5; // 0 looks at a body that faces +Z from the front
    this.pitch = 0.22;
    this.distance = 5;
    this.touched = false; // has anybody chosen a distance
    this.pan = [0, 0, 0];
    this.placed = false;
    this.changed = true;
    this.pointers = new Map();
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY, event.button]);
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before[0];
    const dy = event.clientY - before[1];
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    this.changed = true;
    if (others.length) {
      const span = (at) => Math.hypot(at[0] - others[0][0], at[1] - others[0][1]) || 1;
      this.zoom(span(before) / span([event.clientX, event.clientY]));
      this.shift(0.5 * dx, 0.5 * dy);
    } else if (before[2] === 2 || event.shiftKey) {
      this.shift(dx, dy);
    } else {
      this.yaw -= 0.007 * dx;
      this.pitch = Math.min(1.5, Math.max(-0.1, this.pitch + 0.006 * dy));
    }
    this.pointers.set(event.pointerId, [event.clientX, event.clientY, before[2]]);
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(0.0012 * event.deltaY));
  }

  zoom(factor) {
    this.distance = Math.min(80, Math.max(0.6, this.distance * factor));
    this.touched = this.changed = true;
  }

  shift(dx, dy) {
    const metres = (2 * this.distance * Math.tan(FOV / 2)) / this.canvas.clientHeight;
    const [right, up] = [[Math.cos(this.yaw), 0, -Math.sin(this.yaw)], [0, 1, 0]];
    for (let i = 0; i < 3; i++) this.pan[i] += metres * (up[i] * dy - right[i] * dx);
  }

  // Back to what is followed, all of it in the picture.
  reset() {
    this.pan = [0, 0, 0];
    this.touched = this.placed = false;
    this.changed = true;
  }

  // Goes after the points (3 floats each) that are to be in the picture.
  follow(points, dt_s) {
    if (!points.length) return;
    const low = [Infinity, 0, Infinity];
    const high = [-Infinity, 0.5, -Infinity];
    for (const point of points)
      for (let i = 0; i < 3; i++) {
        low[i] = Math.min(low[i], point[i]);
        high[i] = Math.max(high[i], point[i]);
      }
    const middle = low.map((value, i) => 0.5 * (value + high[i]));
    // A take that begins again is a cut, not a way to go.
    const cut = !this.placed || Math.hypot(...subtract(middle, this.followed)) > CUT_M;
    const share = cut ? 1 : 1 - Math.exp(-dt_s / FOLLOW_S);
    this.followed = middle;
    for (let i = 0; i < 3; i++) this.target[i] += share * (middle[i] - this.target[i]);
    if (!this.touched) {
      const aspect = this.canvas.clientWidth / Math.max(1, this.canvas.clientHeight);
      const across = 0.5 * Math.hypot(high[0] - low[0], high[2] - low[2]) + 0.45;
      const up = 0.5 * (high[1] - low[1]) + 0.45;
      const fits = 0.6 * across + Math.max(up, across / aspect) / Math.tan(FOV / 2);
      // Steps of an eighth, so that the picture does not breathe with every stride.
      const wanted = Math.min(60, Math.pow(1.12, Math.ceil(Math.log(fits) / Math.log(1.12))));
      this.distance += share * (wanted - this.distance);
    }
    this.placed = true;
  }

  view(through) {
    const aspect = this.canvas.clientWidth / Math.max(1, this.canvas.clientHeight);
    if (through) {
      const [wide, high] = through.sensor_mm;
      // The whole of the camera's picture fits into ours.
      const tall = Math.max(high, wide / aspect) / (2 * Math.max(through.focal_mm, 1));
      return {
        matrix: seenBy(through.position, through.rotation),
        projection: perspective(2 * Math.atan(tall), aspect, 0.03, 200),
        eye: through.position,
        target: through.position.map((value, i) => value + 4 * rotate(through.rotation, [0, 0, -1])[i]),
      };
    }
    const target = this.target.map((value, i) => value + this.pan[i]);
    const flat = Math.cos(this.pitch) * this.distance;
    const eye = [
      target[0] + Math.sin(this.yaw) * flat,
      Math.max(0.05, target[1] + Math.sin(this.pitch) * this.distance),
      target[2] + Math.cos(this.yaw) * flat,
    ];
    return { matrix: lookAt(eye, target), projection: perspective(FOV, aspect, 0.03, 300), eye, target };
  }

  // Turns a point of the world into CSS pixels.
  projector(view) {
    const both = multiply(view.projection, view.matrix);
    const { clientWidth, clientHeight } = this.canvas;
    return (point) => projected(both, point, clientWidth, clientHeight);
  }
}
