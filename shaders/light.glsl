// G-buffer to picture: sun with soft shadow, sky and bounce from all around, occlusion, fade to the
// sky, tone map. Branches spare software renderers what most of a picture does not need.
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
#include "sky.glsl"
#include "tone.glsl"
in vec2 uv;
out vec4 picture;
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

// 0 in shadow, 1 in the sun: percentage-closer soft shadows (Fernando 2005). Loops of no
// rounds instead of branches: software renderers step through a branch, but leave a loop.
float sunlight(vec3 world, vec3 normal) {
    float side_m = sky_zenith.w, depth_m = sky_horizon.w;
    float slope = clamp(1.0 - dot(normal, sun_direction.xyz), 0.0, 1.0);
    vec3 at = (sun_projection * vec4(world + normal * (0.004 + 0.012 * slope), 1.0)).xyz * 0.5 + 0.5;
    float bias = (0.003 + 0.006 * slope) / depth_m;
    vec3 off = abs(at - 0.5);
    bool shaded = max(off.x, max(off.y, off.z)) < 0.495 && texture(near_map, at.xy).r < at.z - bias;
    float turn = grain(gl_FragCoord.xy), found = 0.0, blocker = 0.0;
    int search = shaded && slope < 1.0 ? SEARCH : 0;
    for (int i = 0; i < search; i++) {
        float z = texture(shadow_map, at.xy + 0.10 / side_m * spiral(i, SEARCH, turn)).r;
        if (z < at.z - bias) { found += 1.0; blocker += z; }
    }
    float gap_m = (at.z - blocker / max(found, 1.0)) * depth_m;
    float radius = clamp(gap_m * sun_direction.w, 0.006, 0.10) / side_m;
    float shut = 0.0, leak = bias * (1.0 + radius * side_m * 40.0);
    int taps = found > 0.0 ? TAPS : 0;
    for (int i = 0; i < taps; i++)
        shut += step(texture(shadow_map, at.xy + radius * spiral(i, TAPS, turn)).r, at.z - leak);
    return 1.0 - shut / float(TAPS);
}

float fifth(float x) {
    float x2 = x * x;
    return x2 * x2 * x;
}

// Specular: GGX with Karis's approximations; the sky's reflection stands in for an environment map.
vec3 mirrored(vec3 direction, vec3 n, float gloss, float nl, float lit, float contact) {
    float rough = 1.0 - 0.85 * gloss, a2 = rough * rough * rough * rough;
    vec3 v = -direction, h = normalize(v + sun_direction.xyz);
    float nv = max(dot(n, v), 0.02), nh = max(dot(n, h), 0.0), vh = max(dot(v, h), 0.0);
    float spread = nh * nh * (a2 - 1.0) + 1.0;
    float lobe = a2 / (3.14159 * spread * spread);
    float k = 0.5 * rough * rough + 0.03;
    float visible = 0.25 / ((nv * (1.0 - k) + k) * (nl * (1.0 - k) + k));
    float fresnel = 0.04 + 0.96 * fifth(1.0 - vh);
    float edge = 0.04 + (gloss - 0.04) * fifth(1.0 - nv);
    vec3 to = reflect(direction, n);
    vec3 above = mix(sky_horizon.rgb, sky_zenith.rgb, max(to.y, 0.0));
    vec3 around = mix(ground_bounce.rgb, above, smoothstep(-0.25, 0.25, to.y));
    return sun_colour.rgb * (lit * lobe * visible * fresnel) * 0.31831
         + around * edge * contact * (0.25 + 0.75 * gloss);
}

void main() {
    vec3 ray = mat3(camera_to_world) * vec3((uv * 2.0 - 1.0) * lens.xy, -1.0);
    float depth_m = texture(depth_map, uv).r;
    vec3 direction = normalize(ray);
    vec3 world = camera_position.xyz + ray * depth_m;
    vec4 surface = texture(albedo_map, uv);
    vec3 albedo = surface.rgb * surface.rgb;
    float gloss = surface.a;
    vec3 n = mat3(camera_to_world) * texture(normal_map, uv).xyz;
    float contact = mix(1.0, texture(contact_map, uv).r, lens.z);

    float facing = max(dot(n, sun_direction.xyz), 0.0);
    float lit = facing * sunlight(world, n);
    vec3 ambient = mix(ground_bounce.rgb, mix(sky_horizon.rgb, sky_zenith.rgb, 0.35), 0.5 + 0.5 * n.y);
    // A large soft light from the side opposite to the sun keeps the shadow side modelled.
    vec3 fill_from = normalize(vec3(-sun_direction.x, 0.55, -sun_direction.z));
    ambient += sky_horizon.rgb * 0.16 * max(dot(n, fill_from), 0.0);
    vec3 colour = albedo * (sun_colour.rgb * (lit * mix(1.0, contact, 0.5)) * 0.31831 + ambient * contact);
    if (gloss > 0.2) colour += mirrored(direction, n, gloss, facing, lit, contact);

    // The ground fades into the sky at its horizon; where nothing was drawn there is sky alone.
    bool empty = depth_m <= 0.0;
    float fade = smoothstep(0.12, 1.0, length(world.xz - camera_position.xz) / ground_bounce.w);
    fade = empty ? 1.0 : (world.y < 0.02 ? fade : 0.0);
    vec3 towards = empty ? direction : normalize(vec3(direction.x, 0.0, direction.z));
    colour = mix(colour, sky_colour(towards), fade);
#ifdef LINEAR  // an effect comes before the tone map
    picture = vec4(colour, 1.0);
#else
    picture = shown_colour(colour, sun_colour.w);
#endif
}
#endif
