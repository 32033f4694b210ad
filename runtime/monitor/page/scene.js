// Draws bodies, their shadows, the ground and lines, with WebGL 2.

import * as programs from "./programs.js";
import { multiply } from "./maths.js";

const SKY = [0.079, 0.089, 0.106];
const SUN = [0.42, 1.0, 0.55];
const LINE_FLOATS = 10;
const LEVELS = [
  { scale: 1, shadows: true, bodies: true },
  { scale: 0.75, shadows: true, bodies: true },
  { scale: 0.56, shadows: false, bodies: true },
  { scale: 0.42, shadows: false, bodies: true },
  { scale: 0.56, shadows: false, bodies: false },
];

export class Scene {
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: true, stencil: true, alpha: false, powerPreference: "high-performance" });
    if (!gl) throw new Error("This browser has no WebGL 2; the list beside shows who is live.");
    this.canvas = canvas;
    this.gl = gl;
    this.body = programs.link(gl, programs.SKIN + programs.BODY, programs.BODY_COLOUR);
    this.shadow = programs.link(gl, programs.SKIN + programs.SHADOW, programs.SHADOW_COLOUR);
    this.ground = programs.link(gl, programs.GROUND, programs.GROUND_COLOUR);
    this.line = programs.link(gl, programs.LINE, programs.LINE_COLOUR);
    this.bodies = new Map();
    this.lines = [];
    this.bones = gl.createTexture();
    this.bonesSize = [0, 0];
    this.nothing = gl.createVertexArray();
    this.lineBuffer = gl.createBuffer();
    this.lineArray = this.lineLayout();
    this.level = 0; // of LEVELS, higher on a machine that is slow
  }

  // Takes the mesh of a skeleton.
  dress(key, mesh) {
    const gl = this.gl;
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    const put = (name, data, size, type, normalized, whole = false) => {
      const place = programs.PLACES[name];
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(place);
      if (whole) gl.vertexAttribIPointer(place, size, type, 0, 0);
      else gl.vertexAttribPointer(place, size, type, normalized, 0, 0);
    };
    put("position", mesh.positions, 3, gl.FLOAT, false);
    put("normal", mesh.normals, 4, gl.BYTE, true);
    put("joints", mesh.joints, 4, gl.UNSIGNED_SHORT, false, true);
    put("weights", mesh.weights, 4, gl.UNSIGNED_BYTE, true);
    put("paint", mesh.paint, 4, gl.SHORT, true);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, mesh.triangles, gl.STATIC_DRAW);
    gl.bindVertexArray(null);
    this.bodies.set(key, { array, count: mesh.triangles.length, unbind: mesh.unbind });
  }

  // Whether people of this skeleton are drawn as bodies; if not, their bones have to be.
  dressed(key) {
    return LEVELS[this.level].bodies && this.bodies.has(key);
  }

  // A line from a to b, `width` CSS pixels wide, colour r g b a in sRGB.
  addLine(a, b, colour, width = 2) {
    this.lines.push(...a, ...b, ...colour.slice(0, 3), width);
  }

  resize() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2) * LEVELS[this.level].scale;
    const width = Math.max(2, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(2, Math.round(this.canvas.clientHeight * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    return ratio;
  }

  // people: {key, positions, rotations, veil: [r, g, b, a]}; view {matrix, projection, eye, target}
  draw(people, view) {
    const gl = this.gl;
    const ratio = this.resize();
    const both = multiply(view.projection, view.matrix);
    const dressed = people.filter((one) => this.dressed(one.key));
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(...SKY, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    this.writeBones(dressed);
    this.drawGround(both, view);
    if (LEVELS[this.level].shadows) this.drawShadows(dressed, both);
    this.drawBodies(dressed, both, view.eye);
    this.drawLines(both, ratio);
  }

  // One row of the texture for each person, three texels for each joint.
  writeBones(people) {
    const gl = this.gl;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.bones);
    if (!people.length) return;
    const width = 3 * Math.max(...people.map((one) => one.positions.length / 3));
    if (width > this.bonesSize[0] || people.length > this.bonesSize[1]) {
      this.bonesSize = [Math.max(width, this.bonesSize[0]), Math.max(people.length, this.bonesSize[1], 4)];
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, ...this.bonesSize, 0, gl.RGBA, gl.FLOAT, null);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    }
    const rows = new Float32Array(4 * width * people.length);
    people.forEach((one, row) => skin(one, this.bodies.get(one.key).unbind, rows, 4 * width * row));
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, people.length, gl.RGBA, gl.FLOAT, rows);
  }

  drawGround(both, view) {
    const gl = this.gl;
    const use = programs.use(gl, this.ground);
    use.matrix("view_projection", both);
    use.vector("middle", [view.target[0], 0, view.target[2]]);
    use.vector("sky", SKY);
    gl.bindVertexArray(this.nothing);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.depthMask(false);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.depthMask(true);
    gl.disable(gl.BLEND);
  }

  // Bodies flattened onto the ground; the stencil keeps overlaps from darkening twice.
  drawShadows(people, both) {
    const gl = this.gl;
    const use = programs.use(gl, this.shadow);
    use.matrix("view_projection", both);
    use.vector("sun", SUN);
    gl.enable(gl.BLEND);
    gl.enable(gl.STENCIL_TEST);
    gl.stencilFunc(gl.EQUAL, 0, 255);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.INCR);
    gl.depthMask(false);
    this.drawMeshes(people, use);
    gl.depthMask(true);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.BLEND);
  }

  drawBodies(people, both, eye) {
    const use = programs.use(this.gl, this.body);
    use.matrix("view_projection", both);
    use.vector("sun", SUN);
    use.vector("eye", eye);
    this.drawMeshes(people, use, (one) => use.vector("veil", one.veil));
  }

  drawMeshes(people, use, before = () => {}) {
    const gl = this.gl;
    use.whole("bones", 0);
    people.forEach((one, row) => {
      const body = this.bodies.get(one.key);
      use.whole("row", row);
      before(one);
      gl.bindVertexArray(body.array);
      gl.drawElements(gl.TRIANGLES, body.count, gl.UNSIGNED_INT, 0);
    });
  }

  lineLayout() {
    const gl = this.gl;
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.lineBuffer);
    for (const [name, size, at] of [["from", 3, 0], ["to", 3, 3], ["colour", 3, 6], ["width", 1, 9]]) {
      const place = programs.LINE_PLACES[name];
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, gl.FLOAT, false, 4 * LINE_FLOATS, 4 * at);
      gl.vertexAttribDivisor(place, 1);
    }
    gl.bindVertexArray(null);
    return array;
  }

  // All lines since the last picture, each a strip of two triangles that faces the eye.
  drawLines(both, ratio) {
    const gl = this.gl;
    const lines = new Float32Array(this.lines);
    this.lines = [];
    if (!lines.length) return;
    const use = programs.use(gl, this.line);
    use.matrix("view_projection", both);
    use.vector("screen", [this.canvas.width / ratio, this.canvas.height / ratio]);
    gl.bindVertexArray(this.lineArray);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.lineBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, lines, gl.DYNAMIC_DRAW);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, lines.length / LINE_FLOATS);
  }
}

// Writes the first three rows of (joint in the world) x (bind pose to joint), from `at` on.
function skin(one, unbind, out, at) {
  const { positions, rotations } = one;
  for (let j = 0; j < positions.length / 3; j++) {
    const [x, y, z, w] = [0, 1, 2, 3].map((i) => rotations[4 * j + i] / 32767);
    const turn = [
      1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
      2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
      2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
    ];
    for (let r = 0; r < 3; r++)
      for (let c = 0; c < 4; c++) {
        let sum = c === 3 ? positions[3 * j + r] : 0;
        for (let k = 0; k < 3; k++) sum += turn[3 * r + k] * unbind[12 * j + 4 * k + c];
        out[at + 12 * j + 4 * r + c] = sum;
      }
  }
}
