// The ground at y = 0 with its metre grid, into the G-buffer.
#include "frame.glsl"
#ifdef VERTEX
out vec3 world;
out float depth_m;
void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    world = vec3(camera_position.x, floor_plane.x, camera_position.z)
          + vec3(corner.x, 0.0, corner.y) * ground_bounce.w * 3.0;
    vec4 at = view * vec4(world, 1.0);
    depth_m = -at.z;
    gl_Position = projection * at;
}
#endif
#ifdef FRAGMENT
in vec3 world;
in float depth_m;
layout(location = 0) out vec4 albedo_out;
layout(location = 1) out vec4 normal_out;
layout(location = 2) out float depth_out;
#define STILL
#include "moving.glsl"

const vec3 STONE = vec3(0.205, 0.207, 0.212);
const vec3 LINE = vec3(0.36, 0.365, 0.375);
const vec3 AXIS_X = vec3(0.42, 0.10, 0.07);
const vec3 AXIS_Z = vec3(0.07, 0.16, 0.42);

// Box-filtered line of a given width at whole multiples of `step_m`: never thinner than a pixel, but
// paler instead (Ben Golus, "The best darn grid shader (yet)").
float lines(vec2 p, vec2 pixel, float step_m, float width_m) {
    vec2 q = p / step_m, d = max(pixel / step_m, vec2(1e-6));
    float want = width_m / step_m;
    vec2 draw = clamp(vec2(want), d, vec2(0.5));
    vec2 off = abs(fract(q - 0.5) - 0.5) * 2.0;
    vec2 line = smoothstep(draw + d * 1.5, draw - d * 1.5, off);
    line *= clamp(want / draw, 0.0, 1.0);
    line = mix(line, vec2(want), clamp(d * 2.0 - 1.0, 0.0, 1.0));
    return max(line.x, line.y);
}

void main() {
    vec2 p = world.xz;
    vec2 pixel = fwidth(p);
    float away = length(world - camera_position.xyz);
    vec3 albedo = STONE;
    float half_metre = lines(p, pixel, 0.5, 0.006) * 0.22 * smoothstep(14.0, 4.0, away);
    float metre = lines(p, pixel, 1.0, 0.014) * 0.55 * smoothstep(60.0, 15.0, away);
    float ten = lines(p, pixel, 10.0, 0.04) * 0.9;
    albedo = mix(albedo, LINE, floor_plane.y * max(max(half_metre, metre), ten));
    // The world's axes, where they pass the origin: +X red, +Z blue.
    vec2 axis = clamp((vec2(0.012) - abs(p.yx)) / pixel.yx + 0.5, 0.0, 1.0)
              * step(vec2(0.0), p) * smoothstep(1.0, 0.9, p) * floor_plane.y;
    albedo = mix(albedo, AXIS_X, axis.x * 0.85);
    albedo = mix(albedo, AXIS_Z, axis.y * 0.85);
    albedo_out = vec4(sqrt(albedo) * (1.0 - 0.45 * air.w), mix(0.18, 0.8, air.w));
    // As in light.glsl: how much of the ground is left before the sky, for effects that draw edges.
    float left = 1.0 - smoothstep(0.12, 1.0, length(p - camera_position.xz) / ground_bounce.w);
    normal_out = vec4(mat3(view) * vec3(0.0, 1.0, 0.0), left);
    depth_out = depth_m;
#ifdef MOTION
    motion_out = motion_of(view_projection * vec4(world, 1.0), last_view_projection * vec4(world, 1.0), 0.0);
#endif
}
#endif
