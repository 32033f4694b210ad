// Matrices are column-major arrays of 16, quaternions x y z w, +Y up, right-handed.

export function multiply(a, b) {
  const out = new Float32Array(16);
  for (let c = 0; c < 4; c++)
    for (let r = 0; r < 4; r++)
      out[4 * c + r] = a[r] * b[4 * c] + a[4 + r] * b[4 * c + 1] + a[8 + r] * b[4 * c + 2] + a[12 + r] * b[4 * c + 3];
  return out;
}

export function perspective(fovY, aspect, near, far) {
  const f = 1 / Math.tan(fovY / 2);
  const out = new Float32Array(16);
  out[0] = f / aspect;
  out[5] = f;
  out[10] = (far + near) / (near - far);
  out[11] = -1;
  out[14] = (2 * far * near) / (near - far);
  return out;
}

export const subtract = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export function unit(a) {
  const length = Math.hypot(...a) || 1;
  return [a[0] / length, a[1] / length, a[2] / length];
}

// The world as seen from `eye`, which looks at `target`.
export function lookAt(eye, target) {
  const back = unit(subtract(eye, target));
  const right = unit(cross([0, 1, 0], back));
  const up = cross(back, right);
  return seenFrom(eye, right, up, back);
}

function seenFrom(eye, right, up, back) {
  return new Float32Array([
    right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0,
    -dot(right, eye), -dot(up, eye), -dot(back, eye), 1,
  ]);
}

// The world as seen by a camera of the stage, which looks along its own -Z.
export function seenBy(position, rotation) {
  return seenFrom(position, rotate(rotation, [1, 0, 0]), rotate(rotation, [0, 1, 0]), rotate(rotation, [0, 0, 1]));
}

export function rotate(q, v) {
  const t = cross(q, v).map((x) => 2 * x);
  const u = cross(q, t);
  return [v[0] + q[3] * t[0] + u[0], v[1] + q[3] * t[1] + u[1], v[2] + q[3] * t[2] + u[2]];
}

// Pixels [x, y] and depth of a point, or null behind the eye.
export function projected(matrix, point, width, height) {
  const [x, y, z] = point;
  const w = matrix[3] * x + matrix[7] * y + matrix[11] * z + matrix[15];
  if (w <= 0.01) return null;
  const px = (matrix[0] * x + matrix[4] * y + matrix[8] * z + matrix[12]) / w;
  const py = (matrix[1] * x + matrix[5] * y + matrix[9] * z + matrix[13]) / w;
  return [(0.5 + 0.5 * px) * width, (0.5 - 0.5 * py) * height, w];
}
