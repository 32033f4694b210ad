// Lines over the picture: bones without a body, cameras, props.

import { rotate } from "./maths.js";
import { STATE_COLOUR } from "./palette.js";

// What lies over a body, linear: its state's colour, a little darker so that light still models it.
export const VEIL = Object.fromEntries(
  Object.entries(STATE_COLOUR).map(([state, colour]) => [
    state, state === "LIVE" ? [0, 0, 0, 0] : [...colour.map((c) => 0.82 * c ** 2.2), 0.85],
  ]),
);

export const jointAt = (subject, j) => [0, 1, 2].map((i) => subject.positions[3 * j + i]);
const turnOf = (subject, j) => [0, 1, 2, 3].map((i) => subject.rotations[4 * j + i] / 32767);
const add = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

// Bones of a subject whose body is not there (yet).
export function bones(scene, subject, skeleton) {
  const colour = STATE_COLOUR[subject.state];
  skeleton.parents.forEach((parent, j) => {
    if (parent >= 0) scene.addLine(jointAt(subject, parent), jointAt(subject, j), colour, 3);
    const tip = skeleton.tips[j];
    if (tip) scene.addLine(jointAt(subject, j), add(jointAt(subject, j), rotate(turnOf(subject, j), tip)), colour, 3);
  });
}

// A camera as the pyramid of its picture, 0.6 m deep, with a tick on the upper edge.
export function frustum(scene, camera) {
  const depth = 0.6;
  const focal = Math.max(camera.focal_mm, 1);
  const [wide, high] = camera.sensor_mm.map((mm) => (0.5 * depth * mm) / focal);
  const place = (x, y, z) => add(camera.position, rotate(camera.rotation, [x, y, z]));
  const corners = [[-wide, -high], [wide, -high], [wide, high], [-wide, high]].map(([x, y]) => place(x, y, -depth));
  const colour = camera.state === "LIVE" ? [0.42, 0.72, 1.0] : STATE_COLOUR[camera.state];
  corners.forEach((corner, i) => {
    scene.addLine(camera.position, corner, colour, 2);
    scene.addLine(corner, corners[(i + 1) % 4], colour, 2);
  });
  const top = place(0, 1.5 * high, -depth);
  scene.addLine(corners[3], top, colour, 2);
  scene.addLine(corners[2], top, colour, 2);
}

// A prop as a box of 20 cm and its axes: x red, y green, z blue.
export function box(scene, prop) {
  const half = 0.1;
  const colour = STATE_COLOUR[prop.state];
  const place = (at) => add(prop.position, rotate(prop.rotation, at));
  const corner = (bits) => place([0, 1, 2].map((i) => (bits & (1 << i) ? half : -half)));
  for (let bits = 0; bits < 8; bits++)
    for (let i = 0; i < 3; i++) if (!(bits & (1 << i))) scene.addLine(corner(bits), corner(bits | (1 << i)), colour, 1.5);
  for (let i = 0; i < 3; i++) {
    const end = [0, 0, 0].map((_, k) => (k === i ? 2.2 * half : 0));
    scene.addLine(prop.position, place(end), [0, 1, 2].map((k) => (k === i ? 0.95 : 0.3)), 3);
  }
}
