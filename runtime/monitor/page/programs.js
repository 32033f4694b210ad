// The shaders of the page, and what it takes to use them.

import { SLEEVE } from "./palette.js";

export const PLACES = { position: 0, normal: 1, joints: 2, weights: 3, paint: 4 };
export const LINE_PLACES = { from: 0, to: 1, colour: 2, width: 3 };

const HEAD = "#version 300 es\nprecision highp float;\nprecision highp sampler2D;\nuniform mat4 view_projection;\n";

export const SKIN = `
uniform sampler2D bones;  // a row for each person, a joint's matrix is three texels of it
uniform int row;
layout(location = 0) in vec3 position;
layout(location = 1) in vec4 normal;
layout(location = 2) in uvec4 joints;
layout(location = 3) in vec4 weights;
layout(location = 4) in vec4 paint;
vec4 part(int r) {
  vec4 sum = vec4(0.0);
  for (int i = 0; i < 4; i++) sum += weights[i] * texelFetch(bones, ivec2(3 * int(joints[i]) + r, row), 0);
  return sum / dot(weights, vec4(1.0));
}
vec3 placed(vec4 point) { return vec3(dot(part(0), point), dot(part(1), point), dot(part(2), point)); }
`;

export const BODY = `
out vec3 at;
out vec3 facing;
out vec4 zone;
out float side;
void main() {
  at = placed(vec4(position, 1.0));
  facing = placed(vec4(normal.xyz, 0.0));
  zone = paint * 0.5;
  side = position.x;
  gl_Position = view_projection * vec4(at, 1.0);
}`;

export const BODY_COLOUR = `
uniform vec3 sun;
uniform vec3 eye;
uniform vec4 veil;
in vec3 at;
in vec3 facing;
in vec4 zone;
in float side;
out vec4 colour;
const vec3 SHELL = vec3(0.70, 0.70, 0.69);
const vec3 JOINT = vec3(0.060, 0.066, 0.076);
const vec3 VISOR = vec3(0.014, 0.018, 0.024);
const vec3 LEFT = vec3(${SLEEVE.LEFT});
const vec3 RIGHT = vec3(${SLEEVE.RIGHT});
float inside(float metres) { return clamp(0.5 - metres / max(fwidth(metres), 1e-5), 0.0, 1.0); }
void main() {
  vec3 n = normalize(facing), light = normalize(sun), look = normalize(eye - at);
  float in_joint = inside(zone.x), in_visor = inside(zone.z);
  vec3 albedo = mix(SHELL, side < 0.0 ? RIGHT : LEFT, inside(zone.y));
  albedo = mix(albedo, JOINT, in_joint);
  albedo = mix(albedo, VISOR, in_visor);
  float seam = inside(abs(zone.w) - 0.0012) * (1.0 - in_joint);
  albedo *= 1.0 - 0.6 * seam;
  albedo = mix(albedo, veil.rgb, veil.a * (1.0 - 0.75 * max(in_joint, in_visor)));
  float lit = max(dot(n, light), 0.0);
  vec3 around = mix(vec3(0.20, 0.19, 0.19), vec3(0.46, 0.50, 0.56), 0.5 + 0.5 * n.y);
  vec3 shine = vec3(pow(max(dot(n, normalize(light + look)), 0.0), 48.0) * (0.10 + 0.35 * in_visor));
  float edge = pow(1.0 - max(dot(n, look), 0.0), 3.0);
  vec3 linear = albedo * (around + vec3(0.86, 0.82, 0.76) * lit) + shine + 0.05 * edge;
  colour = vec4(pow(linear, vec3(1.0 / 2.2)), 1.0);
}`;

export const SHADOW = `
uniform vec3 sun;
void main() {
  vec3 at = placed(vec4(position, 1.0));
  at -= sun * (max(at.y, 0.0) / sun.y);
  gl_Position = view_projection * vec4(at.x, 0.002, at.z, 1.0);
}`;

export const SHADOW_COLOUR = `
out vec4 colour;
void main() { colour = vec4(0.0, 0.0, 0.0, 0.5); }`;

export const GROUND = `
uniform vec3 middle;
out vec2 at;
void main() {
  at = middle.xz + 60.0 * vec2(float(gl_VertexID & 1) * 2.0 - 1.0, float(gl_VertexID >> 1) * 2.0 - 1.0);
  gl_Position = view_projection * vec4(at.x, 0.0, at.y, 1.0);
}`;

// Metres thin, every fifth stronger; the world's X and Z axes in red and blue.
export const GROUND_COLOUR = `
uniform vec3 middle;
uniform vec3 sky;
in vec2 at;
out vec4 colour;
float grid(vec2 p, float step_m, float width) {
  vec2 wide = fwidth(p) / step_m;
  vec2 off = abs(fract(p / step_m - 0.5) - 0.5) / max(wide, vec2(1e-6));
  vec2 line = clamp(width - off, 0.0, 1.0) * clamp(1.0 - 2.0 * wide, 0.0, 1.0);
  return max(line.x, line.y);
}
void main() {
  float away = length(at - middle.xz);
  vec3 paint = mix(vec3(0.235, 0.255, 0.285), vec3(0.32, 0.345, 0.38), 0.8 * grid(at, 1.0, 1.0));
  paint = mix(paint, vec3(0.44, 0.47, 0.51), grid(at, 5.0, 1.3));
  vec2 axis = clamp(1.6 - abs(at) / max(fwidth(at), vec2(1e-6)), 0.0, 1.0);
  paint = mix(paint, vec3(0.62, 0.30, 0.28), 0.8 * axis.y);
  paint = mix(paint, vec3(0.30, 0.42, 0.68), 0.8 * axis.x);
  colour = vec4(mix(sky, paint, 1.0), 1.0 - smoothstep(10.0, 45.0, away));
}`;

export const LINE = `
uniform vec2 screen;
layout(location = 0) in vec3 from;
layout(location = 1) in vec3 to;
layout(location = 2) in vec3 paint;
layout(location = 3) in float width;
out vec3 tint;
const float NEAR = 0.02;
void main() {
  vec4 a = view_projection * vec4(from, 1.0), b = view_projection * vec4(to, 1.0);
  if (a.w < NEAR) a = mix(a, b, clamp((NEAR - a.w) / (b.w - a.w), 0.0, 1.0));
  if (b.w < NEAR) b = mix(b, a, clamp((NEAR - b.w) / (a.w - b.w), 0.0, 1.0));
  vec2 along = (b.xy / b.w - a.xy / a.w) * screen;
  vec2 across = normalize(vec2(-along.y, along.x) + 1e-6) * width / screen;
  vec4 end = (gl_VertexID & 1) == 0 ? a : b;
  end.xy += across * (gl_VertexID < 2 ? -1.0 : 1.0) * end.w;
  tint = paint;
  gl_Position = end;
}`;

export const LINE_COLOUR = `
in vec3 tint;
out vec4 colour;
void main() { colour = vec4(tint, 1.0); }`;

export function link(gl, vertex, fragment) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, HEAD + text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  return program;
}

// Makes a program current; sets its uniforms by name.
export function use(gl, program) {
  gl.useProgram(program);
  program.places ??= new Map();
  const place = (name) => {
    if (!program.places.has(name)) program.places.set(name, gl.getUniformLocation(program, name));
    return program.places.get(name);
  };
  return {
    matrix: (name, value) => gl.uniformMatrix4fv(place(name), false, value),
    vector: (name, value) => gl[`uniform${value.length}fv`](place(name), value),
    whole: (name, value) => gl.uniform1i(place(name), value),
  };
}
