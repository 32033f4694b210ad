// The mannequin into the G-buffer: albedo and gloss, view-space normal, linear depth.
// LEFT and RIGHT: linear colours of the sleeves. tints: the chest's colour, and where sleeves begin.
#include "frame.glsl"
#ifdef VERTEX
#include "skin.glsl"
uniform int first_row;  // the first subject of this call
in vec3 position;
in vec3 normal;
in uvec4 joints;
in vec4 weights;
in vec4 paint;
uniform sampler2D tints;
out vec3 view_position;
out vec3 view_normal;
out vec4 zone;
out float side;
out vec4 veil;
flat out vec4 tint;
void main() {
    int row = first_row + gl_InstanceID;
    mat4 skin = skin_matrix(joints, weights, row);
    vec4 world = skin * vec4(position, 1.0);
    note_motion(world, position, joints, weights, row);
    vec4 at = view * world;
    view_position = at.xyz;
    view_normal = mat3(view) * (mat3(skin) * normal);
    zone = paint;
    side = position.x;
    tint = texelFetch(tints, ivec2(row, 0), 0);
    veil = skin_veil(joints, weights, row);
    gl_Position = projection * at;
}
#endif
#ifdef FRAGMENT
in vec3 view_position;
in vec3 view_normal;
in vec4 zone;
in float side;
in vec4 veil;
flat in vec4 tint;
layout(location = 0) out vec4 albedo_out;
layout(location = 1) out vec4 normal_out;
layout(location = 2) out float depth_out;
#include "moving.glsl"

const vec3 SHELL = vec3(0.76, 0.74, 0.70);
const vec3 JOINT = vec3(0.055, 0.060, 0.070);
const vec3 VISOR = vec3(0.012, 0.016, 0.022);

// How much of the pixel lies inside a region, from the signed distance at its middle.
float inside(float distance_m) {
    return clamp(0.5 - distance_m / max(fwidth(distance_m), 1e-5), 0.0, 1.0);
}

// How much of the pixel a line of half a width on the region's border covers.
float border(float distance_m, float half_m) {
    float pixel = max(fwidth(distance_m), 1e-5);
    return clamp((half_m - abs(distance_m)) / pixel + 0.5, 0.0, 1.0) * min(1.0, 2.0 * half_m / pixel);
}

void main() {
    float in_joint = inside(zone.x), in_accent = inside(zone.y), in_visor = inside(zone.z);
    vec3 stripe = side > tint.a ? LEFT : side < -tint.a ? RIGHT : tint.rgb;  // sleeves, chest
    vec3 albedo = mix(mix(SHELL, stripe, in_accent), veil.rgb, veil.a);
    albedo = mix(albedo, JOINT, in_joint);
    albedo = mix(albedo, VISOR, in_visor);
    float line = max(border(zone.w, 0.0012) * (1.0 - in_joint), border(zone.x, 0.0014));
    line = max(line, border(zone.z, 0.0016));
    line = max(line, 0.6 * border(zone.y, 0.0008) * (1.0 - in_joint));
    albedo *= 1.0 - 0.72 * line;
    float gloss = mix(mix(0.50, 0.30, in_joint), 0.93, in_visor) * (1.0 - 0.6 * line);
    vec3 n = normalize(view_normal);
    albedo_out = vec4(sqrt(albedo), gloss);  // square root: eight bits hold the darks
    normal_out = vec4(n, 1.0);
    depth_out = -view_position.z;
#ifdef MOTION
    motion_out = motion_of(clip_now, clip_last, number);
#endif
}
#endif
