// G-buffer to light: sun with soft shadow, sky and bounce from all around, occlusion, fade to the sky.
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
#include "sky.glsl"
in vec2 uv;
out vec3 colour;
uniform sampler2D albedo_map;
uniform sampler2D normal_map;
uniform sampler2D depth_map;
uniform sampler2D contact_map;
uniform sampler2D shadow_map;
uniform sampler2D near_map;  // the closest caster in a wide neighbourhood: skips the search

const int SEARCH = 6, TAPS = 10;

// Angle for this pixel's taps (Jimenez 2014, interleaved gradient noise): grain instead of bands.
float grain(vec2 pixel) {
    return 6.2831853 * fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715))));
}

vec2 spiral(int i, int count, float turn) {
    float r = sqrt((float(i) + 0.5) / float(count)), a = 2.39996323 * float(i) + turn;
    return r * vec2(cos(a), sin(a));
}

// 0 in shadow, 1 in the sun: percentage-closer soft shadows (Fernando 2005).
float sunlight(vec3 world, vec3 normal) {
    float side_m = sky_zenith.w, depth_m = sky_horizon.w;
    float slope = clamp(1.0 - dot(normal, sun_direction.xyz), 0.0, 1.0);
    vec3 at = (sun_projection * vec4(world + normal * (0.004 + 0.012 * slope), 1.0)).xyz * 0.5 + 0.5;
    if (any(greaterThan(abs(at - 0.5), vec3(0.495)))) return 1.0;
    float bias = (0.003 + 0.006 * slope) / depth_m;
    if (texture(near_map, at.xy).r > at.z - bias) return 1.0;
    float turn = grain(gl_FragCoord.xy);
    float reach = 0.10 / side_m, found = 0.0, blocker = 0.0;
    for (int i = 0; i < SEARCH; i++) {
        float z = texture(shadow_map, at.xy + reach * spiral(i, SEARCH, turn)).r;
        if (z < at.z - bias) { found += 1.0; blocker += z; }
    }
    if (found == 0.0) return 1.0;
    float gap_m = (at.z - blocker / found) * depth_m;
    float radius = clamp(gap_m * sun_direction.w, 0.006, 0.10) / side_m;
    float open = 0.0;
    for (int i = 0; i < TAPS; i++) {
        float z = texture(shadow_map, at.xy + radius * spiral(i, TAPS, turn)).r;
        open += step(at.z - bias * (1.0 + radius * side_m * 40.0), z);
    }
    return open / float(TAPS);
}

void main() {
    vec3 ray = mat3(camera_to_world) * vec3((uv * 2.0 - 1.0) * lens.xy, -1.0);
    float depth_m = texture(depth_map, uv).r;
    vec3 direction = normalize(ray);
    if (depth_m <= 0.0) {
        colour = sky_colour(direction);
        return;
    }
    vec3 world = camera_position.xyz + ray * depth_m;
    vec4 surface = texture(albedo_map, uv);
    vec3 albedo = surface.rgb * surface.rgb;
    float gloss = surface.a;
    vec3 n = mat3(camera_to_world) * texture(normal_map, uv).xyz;
    float contact = mix(1.0, texture(contact_map, uv).r, lens.z);

    float facing = dot(n, sun_direction.xyz);
    float sun = facing > 0.0 ? sunlight(world, n) : 0.0;
    vec3 ambient = mix(ground_bounce.rgb, mix(sky_horizon.rgb, sky_zenith.rgb, 0.35), 0.5 + 0.5 * n.y);
    // A large soft light from the side opposite to the sun keeps the shadow side modelled.
    vec3 fill_from = normalize(vec3(-sun_direction.x, 0.55, -sun_direction.z));
    ambient += sky_horizon.rgb * 0.16 * max(dot(n, fill_from), 0.0);

    // Specular: GGX with Karis's approximations; the sky's reflection stands in for an environment map.
    float rough = 1.0 - 0.85 * gloss, a2 = rough * rough * rough * rough;
    vec3 v = -direction, h = normalize(v + sun_direction.xyz);
    float nv = max(dot(n, v), 0.02), nh = max(dot(n, h), 0.0), vh = max(dot(v, h), 0.0);
    float spread = nh * nh * (a2 - 1.0) + 1.0;
    float lobe = a2 / (3.14159 * spread * spread);
    float k = 0.5 * rough * rough + 0.03;
    float nl = max(facing, 0.0);
    float visible = 0.25 / ((nv * (1.0 - k) + k) * (nl * (1.0 - k) + k));
    float fresnel = 0.04 + 0.96 * pow(1.0 - vh, 5.0);
    float edge = 0.04 + (max(gloss, 0.04) - 0.04) * pow(1.0 - nv, 5.0);
    vec3 mirrored = reflect(direction, n);
    vec3 around = mix(ground_bounce.rgb, sky_colour(mirrored), smoothstep(-0.25, 0.25, mirrored.y));

    colour = albedo * (sun_colour.rgb * (nl * sun * mix(1.0, contact, 0.35)) * 0.31831 + ambient * contact);
    colour += sun_colour.rgb * (nl * sun * lobe * visible * fresnel) * 0.31831;
    colour += around * edge * contact * (0.25 + 0.75 * gloss);

    float fade = smoothstep(0.12, 1.0, length(world.xz - camera_position.xz) / ground_bounce.w);
    if (world.y < 0.02) colour = mix(colour, sky_colour(normalize(vec3(direction.x, 0.0, direction.z))), fade);
}
#endif
