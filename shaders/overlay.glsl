// Marks over the finished picture, each a box with a shape inside: lines that face the camera (bones)
// and flat marks on the ground (ribbons, discs, arrow heads). Edges are smooth by distance.
#include "frame.glsl"
#ifdef VERTEX
in vec4 from_width;   // start in the world; width: pixels for lines, metres on the ground
in vec4 to_kind;      // end in the world; kind: 0 line, 1 ribbon, 2 disc, 3 arrow head
in vec4 paint;        // sRGB and alpha
out vec2 at;          // along and across, pixels for lines, metres on the ground
out float depth_m;
flat out float extent;
flat out float half_width;
flat out int kind;
flat out vec4 colour;
void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    kind = int(to_kind.w + 0.5);
    colour = paint;
    half_width = 0.5 * from_width.w;
    if (kind == 0) {
        vec4 a = view * vec4(from_width.xyz, 1.0), b = view * vec4(to_kind.xyz, 1.0);
        float near = -0.06;
        if (a.z > near && b.z > near) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
        if (a.z > near) a = mix(a, b, (near - a.z) / (b.z - a.z));
        if (b.z > near) b = mix(b, a, (near - b.z) / (a.z - b.z));
        vec4 ca = projection * a, cb = projection * b;
        vec2 pa = ca.xy / ca.w * size.xy * 0.5, pb = cb.xy / cb.w * size.xy * 0.5;
        extent = length(pb - pa);
        vec2 along = extent > 1e-3 ? (pb - pa) / extent : vec2(1.0, 0.0);
        float pad = half_width + 1.0;
        at = vec2(mix(-pad, extent + pad, corner.x), (corner.y * 2.0 - 1.0) * pad);
        vec2 pixel = pa + along * at.x + vec2(-along.y, along.x) * at.y;
        depth_m = -mix(a.z, b.z, corner.x);
        gl_Position = vec4(pixel / (size.xy * 0.5), 0.0, 1.0);
        return;
    }
    vec3 run = to_kind.xyz - from_width.xyz;
    extent = length(run.xz);
    vec2 along = extent > 1e-5 ? run.xz / extent : vec2(1.0, 0.0);
    float pad = half_width + 0.03;
    at = vec2(mix(-pad, extent + pad, corner.x), (corner.y * 2.0 - 1.0) * pad);
    vec2 place = from_width.xz + along * at.x + vec2(-along.y, along.x) * at.y;
    vec4 eye = view * vec4(place.x, from_width.y, place.y, 1.0);
    depth_m = -eye.z;
    gl_Position = projection * eye;
}
#endif
#ifdef FRAGMENT
in vec2 at;
in float depth_m;
flat in float extent;
flat in float half_width;
flat in int kind;
flat in vec4 colour;
uniform sampler2D depth_map;
out vec4 shown;

void main() {
    float d, seen = 1.0;
    vec2 q = vec2(at.x - clamp(at.x, 0.0, extent), at.y);
    if (kind == 2) d = abs(length(at) - half_width * 0.80) - half_width * 0.20;
    else if (kind == 3) {  // a triangle that points along
        vec2 p = vec2(at.x, abs(at.y));
        vec2 edge = normalize(vec2(half_width, max(extent, 1e-4)));
        d = max(-p.x, dot(p - vec2(extent, 0.0), edge));
    } else d = length(q) - half_width;
    float pixel = kind == 0 ? 1.0 : max(fwidth(at.x) + fwidth(at.y), 1e-5) * 0.7;
    float cover = clamp(0.5 - d / pixel, 0.0, 1.0);
    if (kind == 2) cover = max(cover, 0.35 * clamp(0.5 - (length(at) - half_width) / pixel, 0.0, 1.0));
    if (kind != 0) {
        float scene = texture(depth_map, gl_FragCoord.xy * size.zw).r;
        if (scene > 0.0 && scene < depth_m - 0.015) seen = 0.0;
    }
    vec3 c = kind == 0 ? mix(colour.rgb, vec3(0.02), smoothstep(half_width - 1.4, half_width - 0.4, length(q)) * 0.75) : colour.rgb;
    shown = vec4(c, colour.a * cover * seen);
}
#endif
