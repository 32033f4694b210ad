// What the server packs (message.py): a length, a JSON head, arrays.

export function open(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return [head, 4 + Math.ceil(length / 4) * 4];
}

// A frame; each sound subject gets positions (3 a joint) and rotations (4 a joint, 32767 is 1).
export function frame(buffer) {
  let [head, at] = open(buffer);
  for (const subject of head.subjects ?? []) {
    if (!subject.sound) continue;
    subject.positions = new Float32Array(buffer, at, 3 * subject.joints);
    at += 12 * subject.joints;
    subject.rotations = new Int16Array(buffer, at, 4 * subject.joints);
    at += 8 * subject.joints;
  }
  return head;
}

export function mesh(buffer) {
  let [head, at] = open(buffer);
  const take = (kind, count) => {
    const array = new kind(buffer, at, count);
    at += array.byteLength;
    return array;
  };
  return {
    unbind: take(Float32Array, 12 * head.joints),
    triangles: take(Uint32Array, 3 * head.triangles),
    positions: take(Float32Array, 3 * head.vertices),
    joints: take(Uint16Array, 4 * head.vertices),
    paint: take(Int16Array, 4 * head.vertices),
    normals: take(Int8Array, 4 * head.vertices),
    weights: take(Uint8Array, 4 * head.vertices),
  };
}
