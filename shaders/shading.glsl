// What light does at a surface: the sun with its soft shadow, the sky's and the ground's glow, what is
// mirrored. Its users have frame.glsl, and the shadow map's textures.
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
// base: what is mirrored head on, 0.04 but for metals.
vec3 mirrored(vec3 direction, vec3 n, float gloss, vec3 base, float metal, float nl, float lit,
              float contact) {
    float rough = 1.0 - 0.85 * gloss, a2 = rough * rough * rough * rough;
    vec3 v = -direction, h = normalize(v + sun_direction.xyz);
    float nv = max(dot(n, v), 0.02), nh = max(dot(n, h), 0.0), vh = max(dot(v, h), 0.0);
    float spread = nh * nh * (a2 - 1.0) + 1.0;
    float lobe = a2 / (3.14159 * spread * spread);
    float k = 0.5 * rough * rough + 0.03;
    float visible = 0.25 / ((nv * (1.0 - k) + k) * (nl * (1.0 - k) + k));
    vec3 fresnel = base + (1.0 - base) * fifth(1.0 - vh);
    vec3 edge = base + (max(vec3(gloss), base) - base) * fifth(1.0 - nv);
    vec3 to = reflect(direction, n);
    vec3 above = mix(sky_horizon.rgb, sky_zenith.rgb, max(to.y, 0.0));
    vec3 around = mix(ground_bounce.rgb, above, smoothstep(-0.25, 0.25, to.y));
    return sun_colour.rgb * (lit * lobe * visible * fresnel) * 0.31831
         + around * edge * contact * mix(0.25 + 0.75 * gloss, 1.0, metal);
}

// The light that a surface sends along `direction`, from the eye.
vec3 shaded(vec3 world, vec3 direction, vec3 n, vec3 albedo, float gloss, float metal, float contact) {
    float facing = max(dot(n, sun_direction.xyz), 0.0);
    float lit = facing * sunlight(world, n);
    vec3 ambient = mix(ground_bounce.rgb, mix(sky_horizon.rgb, sky_zenith.rgb, 0.35), 0.5 + 0.5 * n.y);
    // A large soft light from the side opposite to the sun keeps the shadow side modelled.
    vec3 fill_from = normalize(vec3(-sun_direction.x, 0.55, -sun_direction.z));
    ambient += sky_horizon.rgb * 0.16 * max(dot(n, fill_from), 0.0);
    vec3 colour = albedo * (1.0 - metal)
                * (sun_colour.rgb * (lit * mix(1.0, contact, 0.5)) * 0.31831 + ambient * contact);
    if (gloss > 0.2 || metal > 0.0)
        colour += mirrored(direction, n, gloss, mix(vec3(0.04), albedo, metal), metal, facing, lit, contact);
    return colour;
}
