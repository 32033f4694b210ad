// Particles over the picture: a quad for each, where it is by how it began (runtime/particles/
// flight.py has the same arithmetic), drawn out along its way while the shutter is open.
#include "frame.glsl"
#define MOST_EFFECTS 16
uniform vec4 even_drag[MOST_EFFECTS];   // the speed at which all forces are even, m/s; drag, 1/s
uniform vec4 colours[MOST_EFFECTS];     // linear, of what is lit; alpha
uniform vec4 glow_first[MOST_EFFECTS];  // linear; size at birth, m
uniform vec4 glow_last[MOST_EFFECTS];   // linear; size at the end, m
uniform vec4 ways[MOST_EFFECTS];        // share of the shutter's time that it is drawn out; unused
uniform float now_s;
uniform float shutter_s;                // how long a picture is open
#ifdef VERTEX
in vec4 begin;   // m; when, s
in vec4 speed;   // m/s; how long it lives, s
in vec4 hit;     // m; how long after its birth, s
in vec4 after;   // m/s; its effect
out vec2 across;
out vec3 seen;
flat out vec4 lit;
flat out vec3 shines;
flat out float round_one;
uniform sampler2D shadow_map;
#ifdef SET
uniform sampler2D set_shadow_map;
#endif

// 0 in shadow, 1 in the sun, at one place for the whole of it.
float sunlit(vec3 world) {
    vec3 at = (sun_projection * vec4(world, 1.0)).xyz * 0.5 + 0.5;
    float lit_by = max(abs(at.x - 0.5), abs(at.y - 0.5)) < 0.495
                 ? step(at.z - 0.002, textureLod(shadow_map, at.xy, 0.0).r) : 1.0;
#ifdef SET
    at = (set_projection * vec4(world, 1.0)).xyz * 0.5 + 0.5;
    if (max(abs(at.x - 0.5), abs(at.y - 0.5)) < 0.499)
        lit_by *= step(at.z - 0.002, textureLod(set_shadow_map, at.xy, 0.0).r);
#endif
    return lit_by;
}

vec3 flown(vec3 from, vec3 going, vec4 forces, float age_s) {
    float gone = (1.0 - exp(-forces.w * age_s)) / forces.w;
    return from + forces.xyz * age_s + (going - forces.xyz) * gone;
}

vec3 place(float age_s, vec4 forces) {
    float since_s = age_s - hit.w;
    if (since_s <= 0.0) return flown(begin.xyz, speed.xyz, forces, max(age_s, 0.0));
    if (after.xyz == vec3(0.0)) return hit.xyz;
    vec3 at = flown(hit.xyz, after.xyz, forces, since_s);
    return vec3(at.x, max(at.y, hit.y), at.z);
}

void main() {
    int kind = int(after.w);
    float age_s = now_s - begin.w, share = age_s / max(speed.w, 1e-4);
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    across = corner;
    if (share < 0.0 || share > 1.0) {
        gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
        lit = vec4(0.0); shines = vec3(0.0); seen = vec3(0.0); round_one = 1.0;
        return;
    }
    vec4 forces = even_drag[kind];
    vec3 head = (view * vec4(place(age_s, forces), 1.0)).xyz;
    float back_s = min(shutter_s * ways[kind].x, age_s);
    vec3 tail = (view * vec4(place(age_s - back_s, forces), 1.0)).xyz;
    float size_m = mix(glow_first[kind].w, glow_last[kind].w, share) * 0.5;
    // Nothing is thinner than a pixel: it is fainter instead.
    float pixel_m = -head.z * lens.y * 2.0 * size.w;
    float thin = min(1.0, size_m / max(0.7 * pixel_m, 1e-6));
    size_m = max(size_m, 0.7 * pixel_m);
    vec2 way = head.xy - tail.xy;
    float long_m = length(way);
    vec2 ahead = long_m > 1e-5 ? way / long_m : vec2(0.0, 1.0);
    vec2 aside_of = vec2(-ahead.y, ahead.x);
    vec3 at = mix(tail, head, 0.5 + 0.5 * corner.y);
    at.xy += ahead * corner.y * size_m + aside_of * corner.x * size_m;
    round_one = long_m / (2.0 * size_m) > 0.5 ? 0.0 : 1.0;
    seen = at;
    gl_Position = projection * vec4(at, 1.0);
    float fade = smoothstep(0.0, 0.06, share) * (1.0 - smoothstep(0.55, 1.0, share));
    // What is drawn out is spread over its way.
    float spread = 2.0 * size_m / (2.0 * size_m + long_m);
    vec3 world = (camera_to_world * vec4(head, 1.0)).xyz;
    // As a cloud: light from every side, a half of the sun's.
    vec3 around = 0.33 * air.z * (sky_zenith.rgb + sky_horizon.rgb + ground_bounce.rgb);
    vec3 light = around + sun_colour.rgb * 0.159 * sunlit(world);
    lit = vec4(colours[kind].rgb * light, colours[kind].a * fade * thin * mix(1.0, spread, 0.6));
    shines = mix(glow_first[kind].rgb, glow_last[kind].rgb, share) * fade * thin * spread;
}
#endif
#ifdef FRAGMENT
#include "tone.glsl"
in vec2 across;
in vec3 seen;
flat in vec4 lit;
flat in vec3 shines;
flat in float round_one;
out vec4 picture;
uniform sampler2D depth_map;

void main() {
    float far = mix(abs(across.x), length(across), round_one);
    float inside = clamp(1.0 - far, 0.0, 1.0);
    inside = inside * inside * (3.0 - 2.0 * inside);
    // Soft where it meets what is behind it.
    float behind = texelFetch(depth_map, ivec2(gl_FragCoord.xy), 0).r;
    float room_m = behind > 0.0 ? behind + seen.z : 1e3;
    float soft = lit.a > 0.0 ? clamp(room_m / 0.12, 0.0, 1.0) : step(0.0, room_m);
    float alpha = lit.a * inside * soft;
    vec3 glow = shines * inside * soft;
#ifdef LINEAR
    picture = vec4(lit.rgb * alpha + glow, alpha);
#else
    // Over a picture that is toned already: what shines is toned with what it covers.
    float covers = clamp(max(glow.r, max(glow.g, glow.b)) * sun_colour.w, 0.0, 1.0);
    float both = alpha + covers * (1.0 - alpha);
    vec3 mixed = (lit.rgb * alpha + glow) / max(both, 1e-4);
    picture = vec4(shown_colour(mixed, sun_colour.w).rgb * both, both);
#endif
}
#endif
